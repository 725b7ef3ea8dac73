"""TODO models.components."""
