"""The Postgres read models: views as pure folds, and the writer that stores their rows."""
