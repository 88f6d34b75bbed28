"""Sending played in virtual time: the product's own sender, resolver and decisions, without I/O."""
