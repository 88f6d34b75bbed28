-- Where the log stood at a moment. Positions count over all organizations, so these two look past
-- row-level security; they give a number and nothing of anybody's event.
CREATE FUNCTION log.last_position() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS
$$ SELECT coalesce(max(position), 0) FROM log.events $$;

-- The last position recorded at or before a moment, 0 before the first. `recorded_at` rises with
-- `position`, both set under the log's lock, so halving finds it without an index of its own.
CREATE FUNCTION log.position_at(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  low bigint := 0;   -- recorded in time, or 0
  high bigint;       -- everything above was recorded later
  middle bigint;
  found bigint;
  at timestamptz;
BEGIN
  SELECT coalesce(max(position), 0) INTO high FROM log.events;
  WHILE low < high LOOP
    middle := (low + high) / 2 + 1;
    SELECT position, recorded_at INTO found, at FROM log.events
    WHERE position >= middle AND position <= high ORDER BY position LIMIT 1;
    IF found IS NOT NULL AND at <= moment THEN
      low := found;
    ELSE
      high := middle - 1;
    END IF;
  END LOOP;
  RETURN low;
END $$;

REVOKE ALL ON FUNCTION log.last_position, log.position_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log.last_position, log.position_at TO nudge_api, nudge_worker;
