-- Row-level security is forced on every table. `nudge_api` sees one organization, set per transaction.
CREATE SCHEMA log;
CREATE SCHEMA state;
CREATE SCHEMA views;
GRANT USAGE ON SCHEMA log, state, views TO nudge_worker, nudge_api;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO nudge_worker;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO nudge_worker, nudge_api;

CREATE FUNCTION log.current_organization() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('nudge.organization', true), '')::uuid $$;

-- Forces row-level security: owner and worker see all rows, the API one organization's.
CREATE PROCEDURE log.protect(target regclass, api_privileges text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY all_rows ON %s TO nudge_owner, nudge_worker USING (true) WITH CHECK (true)', target);
  EXECUTE format('CREATE POLICY own_rows ON %s TO nudge_api
    USING (organization_id = (SELECT log.current_organization()))
    WITH CHECK (organization_id = (SELECT log.current_organization()))', target);
  IF api_privileges <> '' THEN
    EXECUTE format('GRANT %s ON %s TO nudge_api', api_privileges, target);
  END IF;
END $$;

-- Tables that hold no organization's data: the API may at most read them.
CREATE PROCEDURE log.protect_shared(target regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY all_rows ON %s TO nudge_owner, nudge_worker USING (true) WITH CHECK (true)', target);
  EXECUTE format('CREATE POLICY read_only ON %s FOR SELECT TO nudge_api USING (true)', target);
  EXECUTE format('GRANT SELECT ON %s TO nudge_api', target);
END $$;

CREATE TABLE log.events (
  position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream_id       uuid NOT NULL,
  version         integer NOT NULL CHECK (version > 0),
  type            text NOT NULL,
  organization_id uuid NOT NULL,
  bytes           bytea NOT NULL CHECK (octet_length(bytes) <= 524288),
  recorded_at     timestamptz NOT NULL,
  UNIQUE (stream_id, version)
);
CREATE INDEX events_by_organization ON log.events (organization_id, position);
ALTER TABLE log.events ALTER COLUMN bytes SET STORAGE EXTERNAL;  -- ciphertext does not compress
CALL log.protect('log.events', 'SELECT, INSERT');

-- The only way in. The transaction-level lock makes commit order equal position order, so that a
-- tailing reader never sees a position before a smaller one.
CREATE FUNCTION log.append_events(
  stream_ids uuid[], versions integer[], types text[], organization_ids uuid[], payloads bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(stream_ids) > 1000 THEN
    RAISE EXCEPTION 'an append takes at most 1000 events, not %', cardinality(stream_ids);
  END IF;
  PERFORM pg_advisory_xact_lock(7301);
  PERFORM pg_notify('nudge_events', '');
  RETURN QUERY
    INSERT INTO log.events (stream_id, version, type, organization_id, bytes, recorded_at)
    SELECT s, v, t, o, b, clock_timestamp()
    FROM unnest(stream_ids, versions, types, organization_ids, payloads) WITH ORDINALITY AS u (s, v, t, o, b, n)
    ORDER BY n
    RETURNING position;
END $$;

-- Data keys, wrapped by the master key. A row whose key is null stands for an erased subject, so that
-- no new key is ever made for it.
CREATE TABLE log.subject_keys (
  subject_id      uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  wrapped         bytea
);
CALL log.protect('log.subject_keys', 'SELECT, INSERT');

-- Who may be mailed, decided here and nowhere else.
CREATE TABLE log.mailable (
  organization_id uuid NOT NULL,
  address_hmac    bytea NOT NULL,
  contact_id      uuid UNIQUE,
  consent         text NOT NULL DEFAULT 'unknown' CHECK (consent IN ('granted', 'unknown', 'withdrawn')),
  suppression     text CHECK (suppression IN
    ('unsubscribed', 'hard_bounced', 'complained', 'inactive_at_provider', 'deleted', 'erased')),
  position        bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, address_hmac)
);
CALL log.protect('log.mailable', 'SELECT, INSERT, UPDATE');

CREATE TABLE log.snapshots (
  stream_id       uuid NOT NULL,
  version         integer NOT NULL,
  organization_id uuid NOT NULL,
  type            text NOT NULL,
  bytes           bytea NOT NULL,
  PRIMARY KEY (stream_id, version)
);
CALL log.protect('log.snapshots', 'SELECT, INSERT');
