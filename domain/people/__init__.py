"""People who work with the product: users, invitations, sessions."""
