"""Campaign content: copy, layout, personal fields and what to warn about. Pure."""
