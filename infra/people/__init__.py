"""People in Postgres: accounts, sessions, tokens, attempts, and the errands that follow."""
