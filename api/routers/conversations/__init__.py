"""Conversations: what people say, and what they are answered."""
