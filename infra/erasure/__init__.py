"""Erasing a person: keys destroyed, certified, kept in a ledger, and checked in every store."""
