-- How fresh the tables are: one row per partition.
CREATE OR REPLACE VIEW progress AS
SELECT topic, partition, max(r.position) AS position, max(r.at) AS at
FROM progress_reports AS r
GROUP BY topic, partition;

-- One row per delivery: where it stands and what ever happened to it.
CREATE OR REPLACE VIEW delivery_states AS
SELECT
    organization_id,
    campaign_id,
    delivery_id,
    any(d.step) AS step,
    any(d.contact_id) AS contact_id,
    argMaxIf(d.mailbox_provider, d.position, d.mailbox_provider != '') AS mailbox_provider,
    argMaxIf(d.event, d.position, d.event IN ('intended', 'claimed', 'returned', 'withheld', 'accepted', 'refused', 'ambiguous', 'held')) AS sending,
    argMaxIf(d.reason, d.position, d.event = 'withheld') AS withheld_reason,
    countIf(d.event = 'accepted') > 0 AS accepted,
    countIf(d.event = 'refused') > 0 AS refused,
    countIf(d.event = 'delivered') > 0 AS delivered,
    countIf(d.event = 'opened') AS opened,
    countIf(d.event = 'clicked') AS clicked,
    countIf(d.event = 'bounced') > 0 AS bounced,
    countIf(d.event = 'complained') > 0 AS complained,
    countIf(d.event = 'unsubscribed') > 0 AS unsubscribed,
    multiIf(
        complained, 'complained',
        bounced, 'bounced',
        delivered, 'delivered',
        sending = 'returned', 'intended',
        sending) AS state,
    minIf(d.occurred_at, d.event = 'intended') AS intended_at
FROM deliveries AS d
GROUP BY organization_id, campaign_id, delivery_id;

-- The metrics of every campaign and step, as the API shows them.
CREATE OR REPLACE VIEW campaign_metrics AS
SELECT
    organization_id,
    campaign_id,
    step,
    count() AS intended,
    countIf(s.state = 'withheld') AS withheld,
    countIf(s.accepted) AS accepted,
    countIf(s.refused) AS refused,
    countIf(s.state = 'ambiguous') AS ambiguous,
    countIf(s.state = 'held') AS held,
    countIf(s.delivered) AS delivered,
    sum(s.opened) AS opened,
    countIf(s.opened > 0) AS opened_unique,
    sum(s.clicked) AS clicked,
    countIf(s.clicked > 0) AS clicked_unique,
    countIf(s.bounced) AS bounced,
    countIf(s.complained) AS complained,
    countIf(s.unsubscribed) AS unsubscribed
FROM delivery_states AS s
GROUP BY organization_id, campaign_id, step;

-- How long people waited for a reply, from the receipt of their turn.
CREATE OR REPLACE VIEW reply_times AS
SELECT
    position,
    organization_id,
    stream_id AS conversation_id,
    toUUIDOrZero(JSONExtractString(data, 'turn_id')) AS turn_id,
    JSONExtractInt(data, 'processing_ms') AS reply_ms,
    occurred_at
FROM events
WHERE type = 'ReplyGiven';
