"""The front door: what `import cinematrix as cx` offers, in the caller's IDs and tables."""
