"""The send ledger in Postgres: every change of a delivery with its event, in one transaction."""
