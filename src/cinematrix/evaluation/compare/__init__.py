"""TODO evaluation.compare."""
