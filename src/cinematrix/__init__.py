"""Cinematrix: movie recommendation by deep matrix factorization."""
