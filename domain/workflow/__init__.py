"""The workflow: the versioned graph that carries a campaign out."""
