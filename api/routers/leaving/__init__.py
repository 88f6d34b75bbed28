"""Leaving: an organization taken out whole, and deleted for good."""
