"""Healing's ports to the outside: Postgres, Postmark's history, and the intake topic."""
