"""Reads a body as the type that its route wants, strictly: "1" is no number, and 0 is not false.

The framework would decode to whatever JSON holds and then make it fit, kindly; what is described
is what is taken.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, ValidationException
from typing_extensions import override


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is decoded once, to the type of the route's `data`."""

    @override
    async def json(self) -> Any:
        """Give the body.

        Raises:
            ValidationException: it is not of the type that the route takes.
            ClientException: it is no JSON.

        """
        data = self.route_handler.parsed_fn_signature.parameters.get("data")
        try:
            return msgspec.json.decode(await self.body(), type=data.annotation if data else Any)
        except msgspec.ValidationError as error:
            said, _, place = str(error).partition(" - at `$")
            raise ValidationException(
                extra=[{"key": f"data{place.rstrip('`')}", "message": said}]
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClientException from error
