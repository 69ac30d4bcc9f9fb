"""What NATS did not do, in exceptions of our own: nats-py's end here."""

from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors

SILENT = (
    TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
    ConnectionError,
)
"""What nats-py raises when NATS does not answer."""


class NatsError(Exception):
    """NATS did not do what it was asked."""


class Unanswered(NatsError):
    """NATS does not answer: the outcome is unknown."""


class Unreachable(NatsError):
    """No server let us in within the time that there was."""


class SignInRefused(NatsError):
    """A server refuses the user, the password or the token."""


class ApiError(NatsError):
    """JetStream said no."""

    def __init__(self, code: int, description: str) -> None:
        self.code = code
        super().__init__(f"{description} ({code})")


class MessageTooLarge(NatsError):
    """The server takes no message of this size."""


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise what nats-py raises in the block as an error of our own.

    Raises:
        Unanswered: NATS does not answer.
        MessageTooLarge: the server takes no message of this size.
        NatsError: anything else.

    """
    try:
        yield
    except SILENT as error:
        raise Unanswered(str(error) or "no answer in time") from error
    except nats.errors.MaxPayloadError as error:
        raise MessageTooLarge(str(error)) from error
    except nats.errors.Error as error:
        raise NatsError(str(error) or repr(error)) from error
