"""OPTIONS names every method of an address."""

from litestar import Litestar, delete, get, post
from litestar.testing import TestClient

from app.http.allowed_methods import collect_methods, correct_allow


@get("/things")
async def read() -> str:
    return "read"


@post("/things")
async def write() -> str:
    return "written"


@delete("/things/{name:str}")
async def remove() -> None:
    return None


def test_all_methods_of_an_address_are_told_together() -> None:
    app = Litestar([read, write, remove], before_send=[correct_allow], openapi_config=None)
    collect_methods(app)

    with TestClient(app) as client:
        assert client.options("/things").headers["Allow"] == "GET, OPTIONS, POST"
        assert client.options("/things/one").headers["Allow"] == "DELETE, OPTIONS"
        assert "Allow" not in client.get("/things").headers
        assert client.options("/nothing").status_code == 404
