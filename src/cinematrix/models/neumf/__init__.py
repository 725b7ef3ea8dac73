"""TODO models.neumf."""
