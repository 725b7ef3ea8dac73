"""TODO recommendation."""
