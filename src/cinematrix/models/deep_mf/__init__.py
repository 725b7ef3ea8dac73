"""The model `deep-mf`."""
