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

-- Live tables and shadow change places, in one statement, so that nothing but this waits while the
-- tables are locked. First the writers are held up, by the view's positions; then only readers can
-- hold the tables, and these are waited for so shortly that nobody queues behind. Fails with
-- lock_not_available, or with object_not_in_prerequisite_state when the shadow lacks an event.
CREATE FUNCTION state.exchange_shadow(
  of_view text, tables text[], becomes_swapped boolean, writers_ms integer, readers_ms integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text;
  list text;
BEGIN
  PERFORM set_config('lock_timeout', writers_ms::text, true);
  PERFORM 1 FROM state.positions WHERE consumer IN (of_view, of_view || '/shadow')
    ORDER BY topic, partition, consumer FOR UPDATE;
  IF EXISTS (
    SELECT 1 FROM (SELECT * FROM state.positions WHERE consumer = of_view) AS l
    FULL JOIN (SELECT * FROM state.positions WHERE consumer = of_view || '/shadow') AS s
      USING (topic, partition)
    WHERE l.next_offset IS DISTINCT FROM s.next_offset
  ) THEN
    RAISE object_not_in_prerequisite_state;
  END IF;
  PERFORM set_config('lock_timeout', readers_ms::text, true);
  SELECT string_agg(format('views.%1$I, shadow.%1$I', t), ', ') INTO list FROM unnest(tables) AS t;
  EXECUTE 'LOCK TABLE ' || list || ' IN ACCESS EXCLUSIVE MODE';
  FOREACH name IN ARRAY tables LOOP
    EXECUTE format('ALTER TABLE views.%I SET SCHEMA swapping', name);
    EXECUTE format('ALTER TABLE shadow.%I SET SCHEMA views', name);
    EXECUTE format('ALTER TABLE swapping.%I SET SCHEMA shadow', name);
  END LOOP;
  UPDATE state.rebuilds SET swapped = becomes_swapped, changed_at = now() WHERE view = of_view;
  NOTIFY nudge_views;
END $$;
REVOKE ALL ON FUNCTION state.exchange_shadow FROM PUBLIC;
