"""Data sets: ratings, movies, IDs, readers, downloads, splits, simulation and title search."""
