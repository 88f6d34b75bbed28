"""Two organizations side by side, and everything that must not pass between them."""
