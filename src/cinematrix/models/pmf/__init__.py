"""The model `pmf`."""
