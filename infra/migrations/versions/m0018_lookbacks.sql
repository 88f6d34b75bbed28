-- Campaigns of a restored log, which may have sent more than the log knows: nothing of them is claimed
-- before the provider has told what it took since then.
CREATE TABLE state.lookbacks (
  campaign_id     uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  since           timestamptz NOT NULL,                -- of the backup: what the log knows ends there
  marked_at       timestamptz NOT NULL DEFAULT now(),  -- of the restore: the search may lag behind that
  route           integer NOT NULL DEFAULT 0,          -- how far it is: which server,
  part            integer NOT NULL DEFAULT -1,         -- and which part of the campaign there; -1: all of it
  newest_only     boolean NOT NULL DEFAULT false,      -- an operator said: only the token was replaced
  next_at         timestamptz NOT NULL DEFAULT now(),
  problem         text NOT NULL DEFAULT ''
);
CALL log.protect('state.lookbacks', 'SELECT');

-- What such looks found: deliveries that left, whatever the ledger says, and are never sent again; nor
-- is the same step to the same address, whose contact may have another id now (null: a test mail).
CREATE TABLE state.sent_before (
  delivery_id     uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  campaign_id     uuid NOT NULL,
  step            integer NOT NULL,
  address_hmac    bytea,
  message_id      text NOT NULL,
  batch_id        uuid NOT NULL REFERENCES state.send_batches,
  accepted_at     timestamptz NOT NULL
);
CREATE INDEX sent_before_by_address ON state.sent_before (campaign_id, address_hmac);
CALL log.protect('state.sent_before', '');
