"""Metrics of accuracy and diversity, significance tests, and top-n ranking."""
