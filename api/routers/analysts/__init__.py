"""Logins for ClickHouse."""
