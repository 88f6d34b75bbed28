"""One truth: whether Kafka, Postgres and ClickHouse say what the log says."""
