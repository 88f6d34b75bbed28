-- The API may destroy the key of a person of its organization: nothing else, and never the organization's own.
GRANT UPDATE (wrapped) ON log.subject_keys TO nudge_api;
CREATE POLICY only_destroy ON log.subject_keys AS RESTRICTIVE FOR UPDATE TO nudge_api
  USING (subject_id <> organization_id) WITH CHECK (wrapped IS NULL);

-- What an erasure looks through: events that seal an address under a reference of its own; erasures.
CREATE INDEX events_sealing_addresses ON log.events (organization_id, position)
  WHERE type IN ('TurnReceived', 'TestSendRequested');
CREATE INDEX events_of_erasures ON log.events (position) WHERE type = 'ContactErased';

-- Kept answers go after a day, also when nobody asks again.
CREATE INDEX idempotency_by_age ON state.idempotency (created_at);

-- A stranger's address is read from the event that seals it, so that it is gone with its key.
UPDATE views.turns SET mentions = (SELECT jsonb_agg(each - 'address') FROM jsonb_array_elements(mentions) AS each)
WHERE mentions <> '[]';
