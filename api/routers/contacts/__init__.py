"""Contacts: one at a time, and from files."""
