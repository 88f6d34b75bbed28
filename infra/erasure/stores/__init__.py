"""Every store read for what may be left of an erased person, each by its decoded content."""
