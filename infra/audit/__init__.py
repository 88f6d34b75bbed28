"""The log's Merkle tree in Postgres, its anchored heads, exports for auditors and their check."""
