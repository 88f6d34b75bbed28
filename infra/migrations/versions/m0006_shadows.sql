-- A read model that is being rebuilt has its tables in `shadow`, named as the live ones in `views`,
-- so that a swap moves tables between schemas and leaves every name of an index as it was.
-- `swapping` is empty but within a swap's transaction.
CREATE SCHEMA shadow;
CREATE SCHEMA swapping;
GRANT USAGE ON SCHEMA shadow TO nudge_worker;

-- One row per shadow. `high` is the position the parallel workers build up to.
CREATE TABLE state.rebuilds (
  view       text PRIMARY KEY,
  id         uuid NOT NULL UNIQUE,
  state      text NOT NULL CHECK (state IN ('building', 'following', 'built', 'compared')),
  as_of      bigint,                  -- built up to here for comparison only
  high       bigint NOT NULL,
  swapped    boolean NOT NULL DEFAULT false,  -- the shadow is the former live table
  details    jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now()
);
CALL log.protect_shared('state.rebuilds');

-- Where each worker stands, stored in the transaction that stores its rows.
CREATE TABLE state.rebuild_parts (
  id       uuid NOT NULL REFERENCES state.rebuilds (id) ON DELETE CASCADE,
  part     integer NOT NULL,
  position bigint NOT NULL,
  events   bigint NOT NULL DEFAULT 0,
  rows     bigint NOT NULL DEFAULT 0,
  reached  jsonb NOT NULL DEFAULT '{}',  -- ClickHouse: highest position by topic and partition
  PRIMARY KEY (id, part)
);
CALL log.protect_shared('state.rebuild_parts');
