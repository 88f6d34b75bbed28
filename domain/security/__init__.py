"""What security needs to know: who did what that somebody may ask about later."""
