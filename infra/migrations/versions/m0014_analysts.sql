-- Logins for ClickHouse. A hash is here while its login is admitted, and never in the log.
CREATE TABLE state.analyst_secrets (
  analyst_id      uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  secret_hash     bytea NOT NULL CHECK (octet_length(secret_hash) = 32)
);
CALL log.protect('state.analyst_secrets', 'SELECT, INSERT, DELETE');

CREATE TABLE views.analysts (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, name text NOT NULL, created_by text NOT NULL,
  created_at timestamptz NOT NULL, revoked_at timestamptz,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX analysts_by_organization ON views.analysts (organization_id, created_at);
CALL log.protect('views.analysts', 'SELECT');

-- What ClickHouse's door asks before it knows the organization.
CREATE FUNCTION state.find_analyst(candidate uuid, candidate_hash bytea)
RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id FROM state.analyst_secrets WHERE analyst_id = candidate AND secret_hash = candidate_hash $$;
REVOKE ALL ON FUNCTION state.find_analyst FROM PUBLIC;
GRANT EXECUTE ON FUNCTION state.find_analyst TO nudge_api, nudge_worker;
