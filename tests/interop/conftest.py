"""A running comfyd and a tenant of it, as the end-to-end tests have them."""

from tests.e2e.conftest import ada, system
from tests.e2e.pages.conftest import browser

__all__ = ["ada", "browser", "system"]
