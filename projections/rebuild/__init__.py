"""Rebuilding read models beside the live ones: build, hand over, compare, swap, roll back."""
