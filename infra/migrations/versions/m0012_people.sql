-- Who may log in, decided here: an address is one user, whatever the organization.
CREATE TABLE state.users (
  user_id         uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  address_hmac    bytea NOT NULL UNIQUE,
  role            text NOT NULL,
  password_hash   text NOT NULL   -- argon2id, with its parameters and salt
);
CREATE INDEX users_by_organization ON state.users (organization_id);
CALL log.protect('state.users', 'SELECT, INSERT, UPDATE, DELETE');

-- A session is a family of refresh tokens, of which one is good.
CREATE TABLE state.sessions (
  session_id      uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id         uuid NOT NULL,
  user_agent      text NOT NULL,
  started_at      timestamptz NOT NULL,
  last_used_at    timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  ended_at        timestamptz
);
CREATE INDEX sessions_by_user ON state.sessions (organization_id, user_id);
CREATE INDEX sessions_by_expiry ON state.sessions (expires_at);
CALL log.protect('state.sessions', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE state.refresh_tokens (
  token_hash      bytea PRIMARY KEY,   -- SHA-256 of 256 random bits
  organization_id uuid NOT NULL,
  session_id      uuid NOT NULL REFERENCES state.sessions ON DELETE CASCADE,
  expires_at      timestamptz NOT NULL,
  used_at         timestamptz
);
CREATE INDEX refresh_tokens_by_session ON state.refresh_tokens (session_id);
CALL log.protect('state.refresh_tokens', 'SELECT, INSERT, UPDATE, DELETE');

-- Sign-ups whose address is not confirmed yet: nothing else exists of them.
CREATE TABLE state.signups (
  signup_id       uuid PRIMARY KEY,
  organization_id uuid NOT NULL,   -- the one that will be
  sealed          bytea NOT NULL,
  expires_at      timestamptz NOT NULL
);
CREATE INDEX signups_by_expiry ON state.signups (expires_at);
CALL log.protect('state.signups', 'SELECT, INSERT, DELETE');

CREATE TABLE state.password_resets (
  reset_id        uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id         uuid NOT NULL,
  expires_at      timestamptz NOT NULL
);
CREATE INDEX password_resets_by_user ON state.password_resets (user_id);
CALL log.protect('state.password_resets', 'SELECT, DELETE');

-- What the effects do for people after a request: mails of the product's own, the server of a new
-- organization, failed log-ins as events. Those of nobody known yet belong to organization 0.
CREATE TABLE state.errands (
  errand_id       uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  kind            text NOT NULL CHECK (kind IN
    ('signup', 'reset', 'invitation', 'password_changed', 'login_failed', 'connect')),
  sealed          bytea NOT NULL,
  asked_at        timestamptz NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  next_try        timestamptz NOT NULL DEFAULT now(),
  handed_over_at  timestamptz   -- a mail: the call to the provider has begun
);
CREATE INDEX errands_due ON state.errands (next_try);
CALL log.protect('state.errands', 'INSERT');

CREATE FUNCTION state.ring_errands() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('nudge_errands', ''); RETURN NULL; END $$;
CREATE TRIGGER ring AFTER INSERT ON state.errands FOR EACH STATEMENT EXECUTE FUNCTION state.ring_errands();

-- How often something was tried; keys are keyed hashes of addresses and networks, so that nothing in
-- here belongs to an organization. The API must be able to count before it knows anybody.
CREATE TABLE state.attempts (
  key   bytea PRIMARY KEY,
  count integer NOT NULL,
  at    timestamptz NOT NULL
);
CREATE INDEX attempts_by_age ON state.attempts (at);
CALL log.protect_shared('state.attempts');
CREATE POLICY counted ON state.attempts TO nudge_api USING (true) WITH CHECK (true);
GRANT INSERT, UPDATE, DELETE ON state.attempts TO nudge_api;

-- Keys that sign access tokens (Ed25519); private halves are wrapped by the master key.
CREATE TABLE state.token_keys (
  kid        text PRIMARY KEY,
  public_key bytea NOT NULL,
  wrapped    bytea NOT NULL,
  made_at    timestamptz NOT NULL,
  retired_at timestamptz   -- signs no more; believed until its last token is over
);
CREATE UNIQUE INDEX one_key_signs ON state.token_keys ((true)) WHERE retired_at IS NULL;
CALL log.protect_shared('state.token_keys');

-- Look-ups that come before the organization is known. They return ids only.
CREATE FUNCTION state.find_user(candidate bytea)
RETURNS TABLE (organization_id uuid, user_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, user_id FROM state.users WHERE address_hmac = candidate $$;

CREATE FUNCTION state.find_refresh_token(candidate bytea)
RETURNS TABLE (organization_id uuid, session_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, session_id FROM state.refresh_tokens WHERE token_hash = candidate $$;

REVOKE ALL ON FUNCTION state.find_user, state.find_refresh_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION state.find_user, state.find_refresh_token TO nudge_api, nudge_worker;

-- Read models. A removed user's address and name are empty, and so is a revoked invitation's address.
CREATE TABLE views.users (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, email text NOT NULL, name text NOT NULL,
  role text NOT NULL, removed_at timestamptz,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX users_by_organization ON views.users (organization_id, created_at);
CALL log.protect('views.users', 'SELECT');

CREATE TABLE views.invitations (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, user_id uuid NOT NULL, email text NOT NULL,
  role text NOT NULL, status text NOT NULL, invited_by text NOT NULL, expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX invitations_by_organization ON views.invitations (organization_id, created_at);
CALL log.protect('views.invitations', 'SELECT');
