"""What browsers need of the answers of a storage, as the Fetch Standard has it."""

import pytest

from infra.s3.cors import OPAQUE, lacks_for_reading, lacks_for_storing

ORIGIN = "Access-Control-Allow-Origin: *"
METHOD = "Access-Control-Allow-Methods: PUT"
HEADER = "Access-Control-Allow-Headers: content-type"


def preflight(origin: str = "*", methods: str = "PUT", headers: str = "content-type") -> str:
    """Return what a preflight with this answer lacks."""
    answer = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": headers,
    }
    return lacks_for_storing(204, answer)


@pytest.mark.parametrize(
    ("allowed", "origin", "lacking"),
    [
        ({"Access-Control-Allow-Origin": "*"}, OPAQUE, ""),
        ({"Access-Control-Allow-Origin": "null"}, OPAQUE, ""),
        ({"Access-Control-Allow-Origin": "null"}, "https://a.example", ORIGIN),
        ({"Access-Control-Allow-Origin": "https://a.example"}, OPAQUE, ORIGIN),
        ({"Access-Control-Allow-Origin": "*, *"}, OPAQUE, ORIGIN),
        ({}, OPAQUE, ORIGIN),
    ],
)
def test_an_answer_is_read_where_it_names_the_origin_or_all(
    allowed: dict[str, str], origin: str, lacking: str
) -> None:
    assert lacks_for_reading(allowed, origin) == lacking


def test_a_preflight_names_the_method_and_the_header_in_any_case_or_all() -> None:
    assert preflight() == ""
    assert preflight(methods="GET, PUT", headers="Content-Type, Range") == ""
    assert preflight(methods="*", headers="*") == ""
    assert preflight(methods="GET") == METHOD
    assert preflight(headers="range") == HEADER
    assert preflight(methods="", headers="") == f"{METHOD}, {HEADER}"
    assert preflight(origin="") == ORIGIN


def test_a_preflight_that_is_refused_grants_nothing() -> None:
    assert lacks_for_storing(403, {"Access-Control-Allow-Origin": "*"}) == "2xx (it is 403)"
