"""Language, appearance and time zone: chosen by a link or by the browser, and kept."""

import pytest
from litestar import Litestar, Request, get
from litestar.testing import TestClient

from app.pages.i18n.preferences import keep_choice, preferences_of


@get(["/", "/runs"], before_request=keep_choice)
async def show(request: Request) -> str:  # type: ignore[type-arg]  # a handler of a test
    found = preferences_of(request)
    return f"{found.language} {found.theme} {found.zone.key}"


APP = Litestar([show], openapi_config=None)


@pytest.mark.parametrize(
    ("cookies", "accepted", "shown"),
    [
        ({}, "", "en auto UTC"),
        ({}, "zh-CN,zh;q=0.9,en;q=0.8", "zh auto UTC"),
        ({"comfyd_language": "en"}, "zh-CN", "en auto UTC"),
        ({"comfyd_language": "xx", "comfyd_theme": "pink"}, "zh-CN", "zh auto UTC"),
        ({"comfyd_theme": "dark", "comfyd_zone": "Asia/Shanghai"}, "", "en dark Asia/Shanghai"),
        ({"comfyd_zone": "../../etc/passwd"}, "", "en auto UTC"),
        ({"comfyd_zone": "Nowhere/None"}, "", "en auto UTC"),
        ({"comfyd_zone": "Asia"}, "", "en auto UTC"),
    ],
)
def test_a_cookie_counts_more_than_the_browser_and_nonsense_counts_nothing(
    cookies: dict[str, str], accepted: str, shown: str
) -> None:
    with TestClient(APP, cookies=cookies) as client:
        assert client.get("/", headers={"Accept-Language": accepted}).text == shown


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("/?language=zh", "."),
        ("/runs?language=zh", "runs"),
        ("/runs?status=failed&language=zh&x=a%26b", "runs?status=failed&x=a%26b"),
    ],
)
def test_a_choice_is_kept_and_leads_back_to_the_same_page(address: str, location: str) -> None:
    with TestClient(APP) as client:
        chosen = client.get(address, follow_redirects=False)
        shown = client.get(chosen.headers["Location"].replace(".", "/", 1)).text

    assert (chosen.status_code, chosen.headers["Location"]) == (303, location)
    assert chosen.headers["Set-Cookie"].startswith("comfyd_language=zh; HttpOnly; Max-Age=31536000")
    assert shown == "zh auto UTC"


def test_a_value_that_is_none_is_no_choice() -> None:
    with TestClient(APP) as client:
        answer = client.get("/?language=fr", follow_redirects=False)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
