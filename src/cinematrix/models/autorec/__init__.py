"""TODO models.autorec."""
