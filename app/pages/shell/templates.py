"""Templates of pages: everything that is put in is escaped, and a missing name is an error."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

FOLDER = Path(__file__).parents[1] / "templates"


@cache
def environment() -> Environment:
    """Return the environment, in which a template is compiled once."""
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )


def render(template: str, values: dict[str, Any]) -> str:
    """Return the text that a template makes of *values*."""
    return environment().get_template(template).render(values)


def html(text: str, status: int, headers: dict[str, str]) -> Response[str]:
    """Answer with a page, or a part of one."""
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers)
