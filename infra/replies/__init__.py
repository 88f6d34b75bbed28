"""Replies over Postgres: tasks, what is known, and the one transaction that answers."""
