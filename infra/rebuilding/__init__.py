"""Rebuilds wired: connections, keys and worker processes. No effect can be reached from here."""
