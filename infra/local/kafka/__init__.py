"""The embedded Kafka: one KRaft node of Apache Kafka, started from Maven's artifacts."""
