-- The keyed hash of the address that a delivery was last claimed for; null before there was a claim. Of
-- what was claimed before this migration it is the contact's present one. The index is not unique: claims
-- exclude each other by the address's row of log.mailable, and what a look back or a late answer proves must
-- be recorded whatever else is there.
ALTER TABLE state.sends ADD COLUMN address_hmac bytea;
UPDATE state.sends s SET address_hmac = m.address_hmac FROM log.mailable m
  WHERE m.contact_id = s.contact_id AND s.kind = 'campaign' AND s.state NOT IN ('intended', 'withheld');
CREATE INDEX sends_by_address ON state.sends (campaign_id, address_hmac) WHERE address_hmac IS NOT NULL;
GRANT UPDATE (address_hmac) ON state.sends TO nudge_api;
