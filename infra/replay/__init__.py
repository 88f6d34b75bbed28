"""Replay: the log or Kafka from any place, to a screen, a file or a new topic; no effects."""
