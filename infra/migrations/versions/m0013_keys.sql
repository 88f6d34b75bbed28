-- What is shown of a key. `ends_at`: its expiry, or the end of the overlap with its successor.
ALTER TABLE views.api_keys
  ADD name text NOT NULL DEFAULT '', ADD ends_at timestamptz, ADD replaces uuid, ADD replaced_by uuid,
  ADD created_by text NOT NULL DEFAULT '';

-- A key as the command that made, replaced or revoked it left it: in force before any read model has
-- heard of it. Only keys that were changed over the API stand here; the view knows all of them.
CREATE TABLE state.api_keys (
  id              uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  secret_hash     bytea NOT NULL UNIQUE,
  scopes          text[] NOT NULL,
  ends_at         timestamptz,
  revoked_at      timestamptz
);
CALL log.protect('state.api_keys', 'SELECT, INSERT, UPDATE');

-- When a key was last used, to within seconds: each process writes it down now and then.
CREATE TABLE state.api_key_uses (
  key_id          uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  last_used_at    timestamptz NOT NULL
);
CALL log.protect('state.api_key_uses', 'SELECT');

-- Many uses of many organizations at once; it can only move a time forward.
CREATE FUNCTION state.note_key_uses(keys uuid[], organizations uuid[], moments timestamptz[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
$$ INSERT INTO state.api_key_uses AS u (key_id, organization_id, last_used_at)
   SELECT k, o, m FROM unnest(keys, organizations, moments) AS given (k, o, m) ORDER BY k
   ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
   WHERE u.last_used_at < excluded.last_used_at $$;
REVOKE ALL ON FUNCTION state.note_key_uses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION state.note_key_uses TO nudge_api, nudge_worker;

-- Either place may know of an end that the other has not heard of yet: the earliest counts.
DROP FUNCTION views.find_api_key(bytea);
CREATE FUNCTION views.find_api_key(candidate bytea)
RETURNS TABLE (organization_id uuid, key_id uuid, scopes text[], ends_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT known.organization_id, known.id, known.scopes, min(known.ends_at) FROM (
     SELECT organization_id, id, scopes, ends_at, revoked_at FROM views.api_keys WHERE secret_hash = candidate
     UNION ALL
     SELECT organization_id, id, scopes, ends_at, revoked_at FROM state.api_keys WHERE secret_hash = candidate
   ) AS known GROUP BY 1, 2, 3 HAVING bool_and(known.revoked_at IS NULL) $$;
REVOKE ALL ON FUNCTION views.find_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION views.find_api_key TO nudge_api, nudge_worker;

-- What an operator allows, as the last QuotaSet says; null: any number.
CREATE TABLE state.quotas (
  organization_id uuid PRIMARY KEY,
  contacts        bigint CHECK (contacts >= 0),
  sends_a_month   bigint CHECK (sends_a_month >= 0)
);
CALL log.protect('state.quotas', 'SELECT');

-- Live contacts, counted in the transactions that add and remove them; a row is made from
-- log.mailable when the first one needs it.
CREATE TABLE state.contact_counts (
  organization_id uuid PRIMARY KEY,
  contacts        bigint NOT NULL CHECK (contacts >= 0)
) WITH (fillfactor = 50);
CALL log.protect('state.contact_counts', 'SELECT, INSERT, UPDATE');

-- Deliveries of campaigns that are claimed, by the month (UTC) of the claim.
CREATE TABLE state.send_counts (
  organization_id uuid NOT NULL,
  month           date NOT NULL,
  sends           bigint NOT NULL CHECK (sends >= 0),
  PRIMARY KEY (organization_id, month)
) WITH (fillfactor = 50);
CALL log.protect('state.send_counts', 'SELECT');
GRANT UPDATE (sends) ON state.send_counts TO nudge_api;  -- a held delivery that is released counts no longer
ALTER TABLE state.send_batches ADD COLUMN counted_in date;  -- null: its deliveries count nowhere
