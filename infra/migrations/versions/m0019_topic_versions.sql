-- The prefixes of the topics, in the order of their use: the positions of consumers are offsets of the
-- newest one's. A prefix is used once, because ClickHouse's deduplication tokens name it.
CREATE TABLE state.topic_versions (
  number   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  prefix   text NOT NULL UNIQUE,
  began_at timestamptz NOT NULL DEFAULT now()
);
CALL log.protect_shared('state.topic_versions');
