"""The conversation: what people said, what was understood, what was answered."""
