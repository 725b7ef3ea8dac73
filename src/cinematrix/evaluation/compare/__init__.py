"""Comparison of models on the same splits: cells, results, and one report."""
