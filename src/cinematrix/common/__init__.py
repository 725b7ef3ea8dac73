"""Shared helpers: atomic files, optional packages, paths, plots, progress, settings, threads and vectors."""
