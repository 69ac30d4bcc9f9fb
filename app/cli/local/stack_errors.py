"""What keeps `comfyd up` from starting, beside its embedded servers."""


class CannotStart(Exception):
    """The stack cannot start; the message says why and what to do."""
