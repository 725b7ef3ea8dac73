"""Evaluation on held-out ratings: measures, leakage checks, reliability, tuning, and comparisons of models."""
