"""Campaigns: drafted, shown, approved, held, tried out, followed."""
