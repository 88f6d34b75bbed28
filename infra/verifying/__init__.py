"""Verification wired: the stores read, what is wrong reported, healed on demand, on a schedule."""
