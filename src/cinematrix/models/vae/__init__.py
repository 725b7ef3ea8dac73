"""The model `vae`."""
