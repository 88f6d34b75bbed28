-- One row per event; data is JSON text without personal data.
CREATE TABLE IF NOT EXISTS events (
    position UInt64,
    event_id UUID,
    organization_id UUID,
    topic LowCardinality(String),
    type LowCardinality(String),
    stream_id UUID,
    stream_version UInt32,
    occurred_at DateTime64(6, 'UTC'),
    correlation_id UUID,
    data String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (organization_id, type, position)
SETTINGS non_replicated_deduplication_window = 10000;

-- One row per turn that was understood.
CREATE TABLE IF NOT EXISTS turns (
    position UInt64,
    organization_id UUID,
    conversation_id UUID,
    turn_id UUID,
    intent LowCardinality(String),
    confidence Float64,
    processing_ms Int32,
    occurred_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (organization_id, occurred_at, position)
SETTINGS non_replicated_deduplication_window = 10000;

-- One row per event of a delivery of a campaign; test mails are left out.
CREATE TABLE IF NOT EXISTS deliveries (
    position UInt64,
    event_id UUID,
    organization_id UUID,
    campaign_id UUID,
    delivery_id UUID,
    step Int32,
    contact_id UUID,
    event LowCardinality(String),
    reason LowCardinality(String),
    mailbox_provider LowCardinality(String),
    occurred_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (organization_id, campaign_id, delivery_id, position)
SETTINGS non_replicated_deduplication_window = 10000;

-- What the writer reports after each batch; read it through the view progress.
CREATE TABLE IF NOT EXISTS progress_reports (
    topic LowCardinality(String),
    partition Int32,
    position UInt64,
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (topic, partition);
