-- Releasing or closing a held delivery is a command: row and event change in its transaction.
GRANT UPDATE (state, version, batch_id, mailbox_provider, message_id, attempt) ON state.sends TO nudge_api;
-- A completed run goes on when something of it is released; its row is locked for that.
GRANT UPDATE (ended) ON state.runs TO nudge_api;
