"""A running comfyd and a tenant of it, as the end-to-end tests have them."""

from tests.e2e.conftest import ada, system

__all__ = ["ada", "system"]
