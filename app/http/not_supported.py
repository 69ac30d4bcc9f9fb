"""The refusal of what other servers of a dialect do and comfyd does not."""

from events.errors import Problem


class NotSupported(Exception):
    """The route is known, and does nothing here; holds why, and what to do instead."""

    code = "not_supported"

    def __init__(self, reason: str) -> None:
        """Refuse for *reason*, a code of the catalogue."""
        self.problems = (Problem(code=reason),)
        super().__init__(self.problems[0].text())
