"""`nudge bench`: what the product does in a second, beside what its peers do in the same run."""
