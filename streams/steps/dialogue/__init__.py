"""What is answered in a conversation: pure, from what was understood and what is known."""
