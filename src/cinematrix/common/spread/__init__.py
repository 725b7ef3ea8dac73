"""Independent work spread over this process, local processes, or a Ray cluster."""
