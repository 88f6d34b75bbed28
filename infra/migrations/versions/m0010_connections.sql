-- The version of the organization's PostmarkConnected that a batch was sent through: only that server
-- knows it. A connection is committed before it is read for a claim, so those of old are found by time.
ALTER TABLE state.send_batches ADD COLUMN connection integer NOT NULL DEFAULT 0;  -- 0: take the newest
UPDATE state.send_batches b SET connection = e.version
FROM (SELECT stream_id, version, recorded_at,
             lead(recorded_at) OVER (PARTITION BY stream_id ORDER BY version) AS replaced_at
      FROM log.events WHERE type = 'PostmarkConnected') e
WHERE e.stream_id = b.organization_id AND b.claimed_at >= e.recorded_at
  AND (e.replaced_at IS NULL OR b.claimed_at < e.replaced_at);

-- A server that was replaced goes on telling what became of its mails, with the credentials it was given.
ALTER TABLE views.postmark_connections ADD COLUMN earlier jsonb NOT NULL DEFAULT '{}';
CREATE OR REPLACE FUNCTION views.find_webhook_organizations()
RETURNS TABLE (organization_id uuid, username_hash bytea, password_hash bytea) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT organization_id, sha256(convert_to(username, 'UTF8')), hash
   FROM views.postmark_connections, LATERAL (
     SELECT webhook_username AS username, webhook_password_hash AS hash
     UNION ALL SELECT key, decode(value, 'hex') FROM jsonb_each_text(earlier)) AS credentials $$;
