-- What auditors ask about. `position` is the event's; a row is one event and never changes.
CREATE TABLE views.security_events (
  id uuid PRIMARY KEY, organization_id uuid NOT NULL, kind text NOT NULL, subject text NOT NULL,
  what text NOT NULL, actor text NOT NULL, occurred_at timestamptz NOT NULL,
  position bigint NOT NULL, version integer NOT NULL
);
CREATE INDEX security_events_by_organization ON views.security_events (organization_id, position);
CALL log.protect('views.security_events', 'SELECT');

-- Which master key wraps a key; null: one of those there were before it was written down.
ALTER TABLE log.subject_keys ADD wrapped_by bytea;
