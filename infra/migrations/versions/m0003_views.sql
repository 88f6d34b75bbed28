-- Read models. `position` is the last event folded into the row, `version` its place in the stream.
CREATE TABLE views.organizations (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, name text NOT NULL,
  last_purchase_attribute text,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CALL log.protect('views.organizations', 'SELECT');

CREATE TABLE views.api_keys (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, secret_hash bytea NOT NULL UNIQUE,
  prefix text NOT NULL, scopes text[] NOT NULL, revoked_at timestamptz, created_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CALL log.protect('views.api_keys', 'SELECT');

CREATE TABLE views.postmark_connections (
  organization_id uuid PRIMARY KEY, broadcast_stream text NOT NULL, transactional_stream text NOT NULL,
  webhook_username text NOT NULL UNIQUE, webhook_password_hash bytea NOT NULL,
  handling jsonb NOT NULL, failure text,
  updated_at timestamptz NOT NULL, position bigint NOT NULL, version integer NOT NULL
);
CALL log.protect('views.postmark_connections', 'SELECT');

CREATE TABLE views.businesses (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, name text NOT NULL, industry text NOT NULL,
  business_model text NOT NULL, brand_voice text NOT NULL, target_audience text NOT NULL, website text NOT NULL,
  timezone text NOT NULL, sender_name text NOT NULL, sender_email text NOT NULL, postal_address text NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX businesses_by_organization ON views.businesses (organization_id, created_at);
CALL log.protect('views.businesses', 'SELECT');

CREATE TABLE views.conversations (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, business_id uuid NOT NULL, channel text NOT NULL,
  turns integer NOT NULL, last_campaign_id uuid, last_content_hash text, context jsonb NOT NULL,
  started_at timestamptz NOT NULL, last_activity timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX conversations_by_organization ON views.conversations (organization_id, started_at);
CALL log.protect('views.conversations', 'SELECT');

CREATE TABLE views.turns (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, conversation_id uuid NOT NULL, number integer NOT NULL,
  text text NOT NULL, mentions jsonb NOT NULL, actor text NOT NULL, received_at timestamptz NOT NULL,
  intent text, campaign_type text, confidence double precision, slots jsonb, recognizer text,
  reply text, reply_metadata jsonb, campaign_id uuid, content_hash text, positions jsonb,
  processing_ms integer, replied_at timestamptz,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE UNIQUE INDEX turns_in_order ON views.turns (conversation_id, number);
CALL log.protect('views.turns', 'SELECT');

CREATE TABLE views.campaigns (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, business_id uuid NOT NULL, conversation_id uuid,
  turn_id uuid, workflow_id uuid NOT NULL, type text NOT NULL, status text NOT NULL, name text NOT NULL,
  intent jsonb, audience_description text NOT NULL, conditions jsonb NOT NULL, emails jsonb NOT NULL,
  sender jsonb NOT NULL, schedule_at timestamptz, timezone text NOT NULL, recurrence text NOT NULL,
  orchestrator text NOT NULL, content_hash text NOT NULL,
  approved_by text, approved_at timestamptz, approval_position bigint, started_at timestamptz,
  reason text NOT NULL, reason_detail text NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX campaigns_by_organization ON views.campaigns (organization_id, created_at);
CALL log.protect('views.campaigns', 'SELECT');

-- Sums over deliveries, kept by deltas in the transaction that changes the delivery's row.
CREATE TABLE views.campaign_counters (
  campaign_id uuid NOT NULL, step integer NOT NULL, organization_id uuid NOT NULL,
  intended bigint NOT NULL DEFAULT 0, withheld bigint NOT NULL DEFAULT 0, accepted bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0, ambiguous bigint NOT NULL DEFAULT 0, held bigint NOT NULL DEFAULT 0,
  delivered bigint NOT NULL DEFAULT 0, opened bigint NOT NULL DEFAULT 0, opened_unique bigint NOT NULL DEFAULT 0,
  clicked bigint NOT NULL DEFAULT 0, clicked_unique bigint NOT NULL DEFAULT 0, bounced bigint NOT NULL DEFAULT 0,
  complained bigint NOT NULL DEFAULT 0, unsubscribed bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id, step)
) WITH (fillfactor = 50);
CALL log.protect('views.campaign_counters', 'SELECT');

CREATE TABLE views.workflows (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, campaign_id uuid NOT NULL, graph_version integer NOT NULL,
  graph jsonb NOT NULL, run_state text, run_started_at timestamptz, run_ended_at timestamptz,
  steps jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX workflows_by_campaign ON views.workflows (campaign_id);
CALL log.protect('views.workflows', 'SELECT');

CREATE TABLE views.contacts (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, address_hmac bytea NOT NULL,
  email text NOT NULL, first_name text NOT NULL, last_name text NOT NULL, timezone text NOT NULL,
  attributes jsonb NOT NULL, tags text[] NOT NULL,
  consent_status text NOT NULL, consent_source text NOT NULL, consent_at timestamptz,
  suppression text, deleted boolean NOT NULL, origin text NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX contacts_by_organization ON views.contacts (organization_id, id) WHERE NOT deleted;
CREATE INDEX contacts_by_age ON views.contacts (organization_id, created_at) WHERE NOT deleted;
CREATE INDEX contacts_by_email ON views.contacts (organization_id, lower(email)) WHERE NOT deleted;
CALL log.protect('views.contacts', 'SELECT');

CREATE TABLE views.deliveries (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, campaign_id uuid NOT NULL, step integer NOT NULL,
  contact_id uuid NOT NULL, kind text NOT NULL, state text NOT NULL, withheld_reason text, message_id text,
  mailbox_provider text, accepted boolean NOT NULL, refused boolean NOT NULL, delivered boolean NOT NULL,
  opened integer NOT NULL, clicked integer NOT NULL, bounced boolean NOT NULL, complained boolean NOT NULL,
  unsubscribed boolean NOT NULL, intended_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX deliveries_by_campaign ON views.deliveries (campaign_id, step, id);
CREATE INDEX deliveries_by_contact ON views.deliveries (contact_id);
CALL log.protect('views.deliveries', 'SELECT');

-- Look-ups that come before the organization is known. They return ids only.
CREATE FUNCTION views.find_api_key(candidate bytea)
RETURNS TABLE (organization_id uuid, key_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, id FROM views.api_keys WHERE secret_hash = candidate AND revoked_at IS NULL $$;

CREATE FUNCTION views.find_webhook_organizations()
RETURNS TABLE (organization_id uuid, username_hash bytea, password_hash bytea) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, sha256(convert_to(webhook_username, 'UTF8')), webhook_password_hash FROM views.postmark_connections $$;

CREATE FUNCTION views.find_delivery(candidate uuid)
RETURNS TABLE (organization_id uuid, contact_id uuid, campaign_id uuid, kind text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, contact_id, campaign_id, kind FROM state.sends WHERE delivery_id = candidate $$;

REVOKE ALL ON FUNCTION views.find_api_key, views.find_webhook_organizations, views.find_delivery FROM PUBLIC;
GRANT EXECUTE ON FUNCTION views.find_api_key, views.find_webhook_organizations, views.find_delivery
  TO nudge_api, nudge_worker;

-- An attribute's text as a moment: ISO date or date and time, UTC where no offset is given; null
-- for anything else, so that no contact's attribute can make a query fail. Plain SQL without
-- settings of its own, so that the planner puts it in line.
CREATE FUNCTION views.as_moment(value text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CASE
     WHEN value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$'
          OR NOT pg_input_is_valid(value, 'timestamptz') THEN NULL
     WHEN length(value) = 10 THEN (value || ' 00:00Z')::timestamptz
     WHEN value ~ '(Z|[+-][0-9]{2}:[0-9]{2})$' THEN value::timestamptz
     ELSE (value || 'Z')::timestamptz END $$;
