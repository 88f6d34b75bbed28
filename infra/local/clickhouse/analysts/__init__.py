"""Analysts' statements: read, checked against allow-lists, bound to one organization, rewritten."""
