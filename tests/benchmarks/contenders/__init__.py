"""Consumers that keep the deliveries view, each a process of its own, all with the same sink."""
