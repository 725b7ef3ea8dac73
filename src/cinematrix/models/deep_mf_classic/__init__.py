"""TODO models.deep_mf_classic."""
