"""Store of ratings, events, added movies, refits, keys and tokens in SQLite or PostgreSQL."""
