"""Tamper-evident history: the Merkle tree over the log, and its signed heads."""
