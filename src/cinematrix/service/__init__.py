"""The service: an HTTP API of ratings and recommendations. `cinematrix.service.app.create_app` makes it."""
