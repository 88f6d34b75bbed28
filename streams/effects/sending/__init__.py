"""Sending: deliveries are claimed in batches, handed over to the provider, and settled."""
