"""TODO service.routes."""
