"""The delivery: one e-mail to one contact, decided many at a time."""
