-- What kind of program opened or clicked, and when that was (older rows: when it was recorded).
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS agent LowCardinality(String) DEFAULT '';
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS observed_at DateTime64(6, 'UTC') DEFAULT occurred_at;

-- One row per delivery: where it stands, what ever happened to it, and which of its opens and clicks
-- are machines' by version 1 of the rule in domain/delivery/reading.py.
CREATE OR REPLACE VIEW delivery_states AS
SELECT * EXCEPT (delivered_us, readings, click_times, machines)
FROM (
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
        minIf(d.occurred_at, d.event = 'intended') AS intended_at,
        minIf(toUnixTimestamp64Micro(d.observed_at), d.event = 'delivered') AS delivered_us,
        arraySlice(arraySort(groupArrayIf(
            (toUnixTimestamp64Micro(d.observed_at), toString(d.event), toString(d.agent)),
            d.event IN ('opened', 'clicked'))), 1, 100) AS readings,
        arrayMap(r -> r.1, arrayFilter(r -> r.2 = 'clicked', readings)) AS click_times,
        arrayMap(r -> r.2, arrayFilter(r ->
            r.3 IN ('apple_proxy', 'barracuda', 'proofpoint', 'mimecast', 'cisco', 'trend_micro', 'other_scanner', 'headless', 'library', 'preview', 'none')
            OR (delivered_us > 0 AND r.1 <= delivered_us + 2000000)
            OR (r.2 = 'clicked' AND arrayCount(t -> abs(t - r.1) <= 1000000, click_times) > 1),
            readings)) AS machines,
        countEqual(machines, 'opened') AS opened_by_machine,
        countEqual(machines, 'clicked') AS clicked_by_machine
    FROM deliveries AS d
    GROUP BY organization_id, campaign_id, delivery_id
);

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
    countIf(s.unsubscribed) AS unsubscribed,
    sum(s.opened_by_machine) AS opened_by_machine,
    countIf(s.opened > s.opened_by_machine) AS opened_unique_by_people,
    sum(s.clicked_by_machine) AS clicked_by_machine,
    countIf(s.clicked > s.clicked_by_machine) AS clicked_unique_by_people
FROM delivery_states AS s
GROUP BY organization_id, campaign_id, step;
