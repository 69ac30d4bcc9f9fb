"""The description of the API that machines read: OpenAPI 3.1, complete, made from the routes."""

from app.openapi.answers import errors, headers, response

__all__ = ["errors", "headers", "response"]
