"""Dead letters after they were written: listed, shown, retried, dropped."""
