"""The command line `cinematrix`."""
