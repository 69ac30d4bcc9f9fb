"""The description of the API that machines read: OpenAPI 3.1, complete, made from the routes."""

from app.openapi.answers import again, answers, shown

__all__ = ["again", "answers", "shown"]
