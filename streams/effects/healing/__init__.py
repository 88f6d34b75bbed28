"""Healing: webhooks that never came are found at the provider and go through the ordinary door."""
