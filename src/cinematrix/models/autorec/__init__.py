"""The model `autorec`."""
