"""TODO models.deep_mf."""
