"""TODO models.vae."""
