-- Where each consumer stands, stored with what it wrote.
CREATE TABLE state.positions (
  consumer    text NOT NULL,
  topic       text NOT NULL,
  partition   integer NOT NULL,
  next_offset bigint NOT NULL,
  position    bigint NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
CALL log.protect_shared('state.positions');

-- Batch bounds of the ClickHouse writer, persisted before the insert, so that a retry sends the same.
CREATE TABLE state.analytics_batches (
  topic        text NOT NULL,
  partition    integer NOT NULL,
  first_offset bigint NOT NULL,
  last_offset  bigint NOT NULL,
  PRIMARY KEY (topic, partition)
);
CALL log.protect_shared('state.analytics_batches');

-- How far the embedded stack's clock is ahead of the real one (nudge dev advance).
CREATE TABLE state.clock (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  ahead interval NOT NULL DEFAULT '0'
);
INSERT INTO state.clock DEFAULT VALUES;
CALL log.protect_shared('state.clock');

CREATE TABLE state.idempotency (
  organization_id uuid NOT NULL,
  key             text NOT NULL,
  request_hash    bytea NOT NULL,
  status          integer,
  headers         jsonb,
  answer          bytea,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, key)
);
CALL log.protect('state.idempotency', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE state.reply_tasks (
  turn_id         uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  number          integer NOT NULL,
  state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'done', 'failed')),
  lease_until     timestamptz,
  attempts        integer NOT NULL DEFAULT 0,
  received_at     timestamptz NOT NULL
);
CREATE INDEX reply_tasks_open ON state.reply_tasks (conversation_id, number) WHERE state IN ('waiting', 'claimed');
CALL log.protect('state.reply_tasks', '');

-- One row per approved campaign: the process manager's state.
CREATE TABLE state.runs (
  campaign_id       uuid PRIMARY KEY,
  organization_id   uuid NOT NULL,
  workflow_id       uuid NOT NULL,
  state             text NOT NULL CHECK (state IN ('running', 'paused', 'cancelled', 'completed')),
  orchestrator      text NOT NULL CHECK (orchestrator IN ('built_in', 'external')),
  content_hash      text NOT NULL,
  approval_position bigint NOT NULL,
  workflow_version  integer NOT NULL,
  steps             integer NOT NULL,
  correlation_id    uuid NOT NULL,
  causation_id      uuid NOT NULL,              -- the approval
  stopped_position  bigint NOT NULL DEFAULT 0,  -- the cancellation, if there was one
  ended             boolean NOT NULL DEFAULT false
);
CREATE INDEX runs_going_on ON state.runs (campaign_id) WHERE NOT ended;
CALL log.protect('state.runs', 'SELECT');

CREATE TABLE state.run_steps (
  campaign_id     uuid NOT NULL,
  step            integer NOT NULL,
  organization_id uuid NOT NULL,
  delay           interval NOT NULL,
  due_at          timestamptz,
  state           text NOT NULL CHECK (state IN ('planned', 'scheduled', 'expanding', 'expanded')),
  wait_position   bigint NOT NULL DEFAULT 0,  -- the contacts view must have this before the audience is read
  cursor          uuid,
  intended        bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id, step)
);
CREATE INDEX run_steps_due ON state.run_steps (due_at) WHERE state IN ('scheduled', 'expanding');
CALL log.protect('state.run_steps', 'SELECT');

CREATE TABLE state.send_batches (
  batch_id        uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  campaign_id     uuid NOT NULL,
  message_stream  text NOT NULL,
  size            integer NOT NULL,
  claimed_at      timestamptz NOT NULL,
  lease_until     timestamptz NOT NULL,
  handed_over_at  timestamptz,
  resolve_at      timestamptz NOT NULL,
  lookups         integer NOT NULL DEFAULT 0,
  state           text NOT NULL CHECK (state IN ('open', 'ambiguous', 'settled'))
);
CREATE INDEX send_batches_open ON state.send_batches (resolve_at) WHERE state <> 'settled';
CALL log.protect('state.send_batches', 'SELECT');

-- The send ledger: one row per intended delivery.
CREATE TABLE state.sends (
  delivery_id      uuid PRIMARY KEY,
  organization_id  uuid NOT NULL,
  campaign_id      uuid NOT NULL,
  step             integer NOT NULL,
  contact_id       uuid NOT NULL,
  kind             text NOT NULL CHECK (kind IN ('campaign', 'test')),
  state            text NOT NULL CHECK (state IN
    ('intended', 'claimed', 'ambiguous', 'held', 'accepted', 'refused', 'withheld')),
  version          integer NOT NULL,
  ordinal          bigint GENERATED ALWAYS AS IDENTITY,
  batch_id         uuid REFERENCES state.send_batches,
  mailbox_provider text,
  message_id       text,
  attempt          integer NOT NULL DEFAULT 0,
  correlation_id   uuid NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sends_to_claim ON state.sends (campaign_id, ordinal) WHERE state = 'intended';
CREATE INDEX sends_tests ON state.sends (campaign_id) WHERE state = 'intended' AND kind = 'test';
CREATE INDEX sends_by_batch ON state.sends (batch_id) WHERE state IN ('claimed', 'ambiguous', 'held');
CREATE INDEX sends_by_step ON state.sends (campaign_id, step, contact_id);
CREATE INDEX sends_open ON state.sends (campaign_id) WHERE state IN ('intended', 'claimed', 'ambiguous');
-- Not unique: a webhook may claim any message id, and must not get in the way of the true one.
CREATE INDEX sends_by_message ON state.sends (organization_id, message_id) WHERE message_id IS NOT NULL;
CALL log.protect('state.sends', 'SELECT');

-- Observations already recorded: a webhook that comes again changes nothing.
CREATE TABLE state.webhook_seen (
  organization_id uuid NOT NULL,
  key             bytea NOT NULL,
  PRIMARY KEY (organization_id, key)
);
CALL log.protect('state.webhook_seen', '');

-- Webhooks for messages not known yet, tried again for ten minutes.
CREATE TABLE state.webhook_waiting (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id uuid NOT NULL,
  origin          text NOT NULL UNIQUE,
  body            bytea NOT NULL,
  received_at     timestamptz NOT NULL,
  first_seen      timestamptz NOT NULL DEFAULT now(),
  next_try        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_waiting_due ON state.webhook_waiting (next_try);
CALL log.protect('state.webhook_waiting', '');

-- The latest of each kind of sign about an address, so that their order cannot matter.
CREATE TABLE state.address_signals (
  organization_id uuid NOT NULL,
  address_hmac    bytea NOT NULL,
  complained      timestamptz,
  unsubscribed    timestamptz,
  hard_bounced    timestamptz,
  inactive        timestamptz,
  lifted          timestamptz,  -- the provider says that the address works again
  returned        timestamptz,  -- the person came back
  PRIMARY KEY (organization_id, address_hmac)
);
CALL log.protect('state.address_signals', '');

-- Registrations of webhooks at the provider, still to be made.
CREATE TABLE state.registration_tasks (
  organization_id uuid PRIMARY KEY,
  version         integer NOT NULL,
  state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
  attempts        integer NOT NULL DEFAULT 0,
  next_try        timestamptz NOT NULL DEFAULT now()
);
CALL log.protect('state.registration_tasks', '');

CREATE TABLE state.test_sends (
  organization_id uuid NOT NULL,
  day             date NOT NULL,
  used            integer NOT NULL,
  PRIMARY KEY (organization_id, day)
);
CALL log.protect('state.test_sends', 'SELECT, INSERT, UPDATE');

-- Reads of personal data in plain text, so that each caller and day is recorded once.
CREATE TABLE state.personal_reads (
  organization_id uuid NOT NULL,
  caller          text NOT NULL,
  day             date NOT NULL,
  what            text NOT NULL,
  PRIMARY KEY (organization_id, caller, day, what)
);
CALL log.protect('state.personal_reads', 'SELECT, INSERT');
