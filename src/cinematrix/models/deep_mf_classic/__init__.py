"""The model `deep-mf-classic`."""
