"""Access: what somebody may be allowed to do, and the roles that allow it."""
