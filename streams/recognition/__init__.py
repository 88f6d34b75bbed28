"""Understanding a sentence: what the person wants, how sure that is, and the details they gave."""
