"""The store: ratings, events and keys in SQLite or PostgreSQL."""
