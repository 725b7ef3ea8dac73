"""TODO models.training."""
