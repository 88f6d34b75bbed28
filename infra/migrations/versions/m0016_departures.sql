-- Organizations that left. Their events stay in the log, and nothing is made of them any more: who
-- folds events leaves out those of organizations that stand here.
CREATE TABLE state.departed (
  organization_id uuid PRIMARY KEY,
  departed_at     timestamptz NOT NULL DEFAULT now(),
  swept_at        timestamptz,  -- everywhere, for the first time
  settled_at      timestamptz   -- once more, when nothing of it could come in late any more
);
CREATE INDEX departed_unsettled ON state.departed (departed_at) WHERE settled_at IS NULL;
CALL log.protect('state.departed', 'SELECT');

-- Every table with rows of organizations, whatever is added later, but the log, the keys and the list
-- of who left; those that point at others come first.
CREATE FUNCTION state.belongings() RETURNS SETOF regclass LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
  SELECT c.oid::regclass FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('log', 'state', 'views', 'shadow')
    AND c.oid <> ALL (ARRAY['log.events', 'log.subject_keys', 'state.departed']::regclass[])
  ORDER BY EXISTS (SELECT 1 FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f') DESC,
    n.nspname, c.relname
$$;

-- The decision: every key destroyed, every way in closed, and from here on whoever folds events sees
-- that it left, because all who write by positions are waited for. How many keys there were.
CREATE FUNCTION state.depart(leaving uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  destroyed bigint;
BEGIN
  IF leaving IS DISTINCT FROM log.current_organization() THEN
    RAISE insufficient_privilege USING MESSAGE = 'an organization deletes itself only';
  END IF;
  UPDATE log.subject_keys SET wrapped = NULL, wrapped_by = NULL
  WHERE organization_id = leaving AND wrapped IS NOT NULL;
  GET DIAGNOSTICS destroyed = ROW_COUNT;
  PERFORM 1 FROM state.positions ORDER BY topic, partition, consumer FOR UPDATE;
  INSERT INTO state.departed (organization_id) VALUES (leaving) ON CONFLICT DO NOTHING;
  DELETE FROM state.api_keys WHERE organization_id = leaving;
  DELETE FROM views.api_keys WHERE organization_id = leaving;
  DELETE FROM state.sessions WHERE organization_id = leaving;
  DELETE FROM state.users WHERE organization_id = leaving;
  DELETE FROM state.analyst_secrets WHERE organization_id = leaving;
  DELETE FROM views.postmark_connections WHERE organization_id = leaving;
  RETURN destroyed;
END $$;

-- Deletes what there is of an organization that left; how many rows and keys. Again and again does
-- no harm: what was under way when it left comes in a moment later.
CREATE FUNCTION state.sweep_departed(leaving uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  target regclass;
  gone bigint;
  total bigint := 0;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM state.departed WHERE organization_id = leaving) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'only what an organization left behind is swept';
  END IF;
  FOR target IN SELECT state.belongings() LOOP
    EXECUTE format('DELETE FROM %s WHERE organization_id = $1', target) USING leaving;
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
  END LOOP;
  UPDATE log.subject_keys SET wrapped = NULL, wrapped_by = NULL
  WHERE organization_id = leaving AND wrapped IS NOT NULL;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN total + gone;
END $$;

REVOKE ALL ON FUNCTION state.belongings, state.depart, state.sweep_departed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION state.depart, state.sweep_departed TO nudge_api, nudge_worker;

-- What is sealed late for somebody who left opens for nobody. A restore turns row_security off for
-- itself, which would refuse the look at who left.
CREATE FUNCTION state.keep_no_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET row_security = on AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM made JOIN state.departed USING (organization_id)) THEN
    UPDATE log.subject_keys k SET wrapped = NULL, wrapped_by = NULL
    FROM made JOIN state.departed USING (organization_id) WHERE k.subject_id = made.subject_id;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION state.keep_no_key FROM PUBLIC;
CREATE TRIGGER keep_no_key AFTER INSERT ON log.subject_keys REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION state.keep_no_key();

-- As before, but a key that was used just before its organization left is not remembered.
CREATE OR REPLACE FUNCTION state.note_key_uses(keys uuid[], organizations uuid[], moments timestamptz[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
$$ INSERT INTO state.api_key_uses AS u (key_id, organization_id, last_used_at)
   SELECT k, o, m FROM unnest(keys, organizations, moments) AS given (k, o, m)
   WHERE NOT EXISTS (SELECT 1 FROM state.departed d WHERE d.organization_id = o) ORDER BY k
   ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
   WHERE u.last_used_at < excluded.last_used_at $$;

-- Who left is looked up in the log by this, when the ledger lacks a certificate.
CREATE INDEX events_of_departures ON log.events (position) WHERE type = 'OrganizationDeleted';
