"""HTTP API of ratings and recommendations, created by `cinematrix.service.app.create_app`."""
