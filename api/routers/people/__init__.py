"""People: the entrance, sessions, users, invitations."""
