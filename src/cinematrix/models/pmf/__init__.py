"""TODO models.pmf."""
