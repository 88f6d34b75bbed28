-- How many different observations were heard, by the provider's day (US Eastern) on which they happened.
CREATE TABLE state.webhook_counts (
  organization_id uuid NOT NULL,
  kind            text NOT NULL CHECK (kind IN
    ('Delivery', 'Bounce', 'SpamComplaint', 'Open', 'Click', 'SubscriptionChange')),
  day             date NOT NULL,
  heard           bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, kind, day)
) WITH (fillfactor = 50);
CALL log.protect('state.webhook_counts', '');

-- One row per organization: when its webhooks are compared with the provider again.
-- What happened before `since` was heard under other keys and is not compared.
CREATE TABLE state.webhook_audits (
  organization_id uuid PRIMARY KEY,
  since           timestamptz NOT NULL DEFAULT '2000-01-01Z',
  next_at         timestamptz NOT NULL DEFAULT now(),
  failures        integer NOT NULL DEFAULT 0,
  rounds          bigint NOT NULL DEFAULT 0,
  finished_at     timestamptz,
  problem         text NOT NULL DEFAULT '',
  found           jsonb NOT NULL DEFAULT '{}'
);
CALL log.protect('state.webhook_audits', '');
INSERT INTO state.webhook_audits (organization_id, since)
  SELECT DISTINCT organization_id, now() FROM state.webhook_seen;

-- The counts of a day when it was last looked through: looked at again only when they change.
CREATE TABLE state.webhook_days (
  organization_id uuid NOT NULL,
  kind            text NOT NULL,
  day             date NOT NULL,
  theirs          bigint NOT NULL,
  ours            bigint NOT NULL,
  PRIMARY KEY (organization_id, kind, day)
);
CALL log.protect('state.webhook_days', '');

-- Batches whose messages are looked up one by one until each is delivered or has bounced.
-- `reached`: so many messages of this look are done; `silent`: of those, so many without an end.
CREATE TABLE state.batch_audits (
  batch_id        uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  handed_over_at  timestamptz NOT NULL,
  message_stream  text NOT NULL,
  every_message   boolean NOT NULL DEFAULT false,
  reached         integer NOT NULL DEFAULT 0,
  silent          integer NOT NULL DEFAULT 0,
  looks           integer NOT NULL DEFAULT 0,
  failures        integer NOT NULL DEFAULT 0,
  next_at         timestamptz NOT NULL DEFAULT now(),
  under_way       boolean NOT NULL DEFAULT false,
  done            boolean NOT NULL DEFAULT false
);
CREATE INDEX batch_audits_due ON state.batch_audits (next_at) WHERE NOT done;
CREATE INDEX batch_audits_by_organization ON state.batch_audits (organization_id, handed_over_at);
CALL log.protect('state.batch_audits', '');
CREATE INDEX send_batches_handed_over ON state.send_batches (organization_id, handed_over_at);
