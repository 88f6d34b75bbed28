-- Analysts on a ClickHouse server: what the embedded engine's door does, in the server's own terms.
-- Run once as a user with ACCESS MANAGEMENT, after the analytics tables are there. The operator's
-- user is called nudge. Every statement may be repeated. Needs custom_settings.xml on each server.

CREATE SETTINGS PROFILE OR REPLACE nudge_analyst SETTINGS
    readonly = 1,
    max_execution_time = 15,
    max_memory_usage = 150000000,
    max_rows_to_read = 50000000,
    max_bytes_to_read = 4000000000,
    max_result_rows = 500000,
    max_result_bytes = 64000000,
    max_concurrent_queries_for_user = 6,
    allow_ddl = 0,
    allow_introspection_functions = 0;

CREATE ROLE IF NOT EXISTS nudge_analyst SETTINGS PROFILE nudge_analyst;

GRANT SELECT ON nudge.events TO nudge_analyst;
GRANT SELECT ON nudge.turns TO nudge_analyst;
GRANT SELECT ON nudge.deliveries TO nudge_analyst;
GRANT SELECT ON nudge.delivery_states TO nudge_analyst;
GRANT SELECT ON nudge.campaign_metrics TO nudge_analyst;
GRANT SELECT ON nudge.reply_times TO nudge_analyst;
GRANT SELECT ON nudge.progress TO nudge_analyst;
GRANT SELECT ON nudge.progress_reports TO nudge_analyst;

-- A view is read with the rights, and so the row policies, of whoever asks.
ALTER TABLE nudge.delivery_states MODIFY SQL SECURITY INVOKER;
ALTER TABLE nudge.campaign_metrics MODIFY SQL SECURITY INVOKER;
ALTER TABLE nudge.reply_times MODIFY SQL SECURITY INVOKER;
ALTER TABLE nudge.progress MODIFY SQL SECURITY INVOKER;

-- Whoever is not the operator sees one organization's rows, or none: not only those with the role.
CREATE ROW POLICY OR REPLACE own_rows ON nudge.events, nudge.turns, nudge.deliveries
    FOR SELECT USING organization_id = toUUIDOrZero(getSettingOrDefault('nudge_organization', ''))
    TO ALL EXCEPT nudge;
CREATE ROW POLICY OR REPLACE all_rows ON nudge.events, nudge.turns, nudge.deliveries
    FOR SELECT USING 1
    TO nudge;
