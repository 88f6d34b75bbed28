-- Releasing or closing a held delivery is a command: row and event change in its transaction.
GRANT UPDATE (state, version, batch_id, mailbox_provider, message_id, attempt) ON state.sends TO nudge_api;
-- Locking a run's row (no cancellation in between) needs the right to change some column of it.
GRANT UPDATE (campaign_id) ON state.runs TO nudge_api;
