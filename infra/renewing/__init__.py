"""A new version of the topics, filled from the log while the product stands still."""
