"""Contacts from files: reading lines, and carrying them into the log in bounded transactions."""
