-- The Merkle tree over log.events (RFC 6962), kept by the relay's keeper behind the appends. Its rows
-- hold hashes only, of every organization's sealed events.
CREATE TABLE log.tree (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  id       uuid NOT NULL DEFAULT gen_random_uuid(),  -- which log, in every head and proof
  size     bigint NOT NULL DEFAULT 0,
  position bigint NOT NULL DEFAULT 0                 -- of the last event in it
);
INSERT INTO log.tree DEFAULT VALUES;
CALL log.protect_shared('log.tree');

-- Complete nodes at every eighth height, 256 hashes a tile; the tiles of level 0 also say where their
-- leaves stand, because positions have holes.
CREATE TABLE log.tree_tiles (
  level     smallint NOT NULL,
  number    bigint NOT NULL,
  hashes    bytea NOT NULL,
  positions bigint[],
  PRIMARY KEY (level, number)
);
CREATE INDEX tree_tiles_by_position ON log.tree_tiles ((positions[1])) WHERE level = 0;
ALTER TABLE log.tree_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;  -- hashes do not compress
CALL log.protect_shared('log.tree_tiles');

CREATE TABLE log.tree_heads (
  size         bigint PRIMARY KEY,
  root         bytea NOT NULL,
  position     bigint NOT NULL,
  made_at      timestamptz NOT NULL,
  public_key   bytea NOT NULL,
  signature    bytea NOT NULL,
  filed_at     timestamptz,
  published_at timestamptz
);
CREATE INDEX tree_heads_unfiled ON log.tree_heads (size) WHERE filed_at IS NULL;
CREATE INDEX tree_heads_unpublished ON log.tree_heads (size) WHERE published_at IS NULL;
CALL log.protect_shared('log.tree_heads');

-- A leaf: position, stream, version, type with its length, bytes; as in infra/audit/verify_bundle.py.
-- STABLE as convert_to is: only so may Postgres inline it.
CREATE FUNCTION log.leaf_hash(place bigint, stream uuid, version integer, type text, bytes bytea)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT sha256('\x00'::bytea || int8send(place) || uuid_send(stream) || int4send(version)
    || int4send(octet_length(type)) || convert_to(type, 'UTF8') || bytes)
$$;
