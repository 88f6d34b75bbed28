-- The keyed hash of the address that a delivery was last claimed for; null before there was a claim. The
-- index is not unique: claims exclude each other by the address's row of log.mailable, and what a look back
-- or a late answer proves must be recorded whatever else is there.
ALTER TABLE state.sends ADD COLUMN address_hmac bytea;
CREATE INDEX sends_by_address ON state.sends (campaign_id, address_hmac) WHERE address_hmac IS NOT NULL;
GRANT UPDATE (address_hmac) ON state.sends TO nudge_api;
