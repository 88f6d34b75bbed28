"""What was, and why: rows as of a position, chains of causes, straight from the log."""
