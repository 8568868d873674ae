"""The HTTP surface: Sanic blueprints, authentication, the error table, the relay."""
