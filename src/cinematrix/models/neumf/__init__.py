"""The model `neumf`."""
