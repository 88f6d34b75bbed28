"""Deliveries: one e-mail to one contact each."""
