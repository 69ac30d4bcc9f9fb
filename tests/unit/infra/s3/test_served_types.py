"""What type a file has, and whether browsers may show it."""

import pytest

from infra.s3.served_types import (
    SHOWN_INLINE,
    disposition_of,
    may_be_put,
    media_type_in,
)


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("image/png", "image/png"),
        ("IMAGE/PNG", "image/png"),
        (" text/plain ; charset=utf-8", "text/plain"),
        ("image/svg+xml", "image/svg+xml"),
        (f"image/{'x' * 127}", f"image/{'x' * 127}"),
        *(
            (header, "application/octet-stream")
            for header in (
                *("", ";", "image", "image/", "/png", "a/b/c", "image/png, text/html", "*/*"),
                *(
                    "image/p\nng",
                    "image/p ng",
                    "<b>/x",
                    "image/é",
                    f"image/{'x' * 128}",
                    "x" * 9999,
                ),
            )
        ),
    ],
    ids=lambda text: text[:30],
)
def test_a_media_type_is_bare_well_formed_and_short(header: str, media_type: str) -> None:
    assert media_type_in(header) == media_type


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml"),
        *("application/pdf", "text/javascript", "application/json", "multipart/x-mixed-replace"),
        *("application/octet-stream", "model/gltf-binary", "message/rfc822", "IMAGE/PNG", ""),
    ],
)
def test_what_is_not_on_the_list_is_saved_instead_of_shown(media_type: str) -> None:
    assert disposition_of(media_type) == "attachment"


def test_the_list_holds_no_type_of_documents_with_scripts() -> None:
    assert {disposition_of(one) for one in SHOWN_INLINE} == {"inline"}
    assert not [one for one in SHOWN_INLINE if "xml" in one or "html" in one]
    assert {one.partition("/")[0] for one in SHOWN_INLINE} == {"image", "video", "audio", "text"}


@pytest.mark.parametrize(
    ("media_type", "may"),
    [
        *((kind, True) for kind in SHOWN_INLINE),
        ("application/octet-stream", True),
        ("application/zip", True),
        ("image/vnd.adobe.photoshop", True),
        ("video/h264-mp4", True),
        *(
            (kind, False)
            for kind in (
                *("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml"),
                *("application/pdf", "text/javascript", "application/ecmascript", "text/css"),
                *("multipart/related", "message/rfc822", "image/png; charset=utf-8"),
                *("IMAGE/PNG", "image", "", "*/*", "image/png\r\nX: y"),
            )
        ),
    ],
)
def test_others_store_nothing_that_a_browser_would_run(media_type: str, *, may: bool) -> None:
    assert may_be_put(media_type) is may


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("film_00001_.mp4", 'inline; filename="film_00001_.mp4"'),
        ("图片 1.png", "inline; filename*=UTF-8''%E5%9B%BE%E7%89%87%201.png"),
        ('a"; x=\r\n.png', "inline; filename*=UTF-8''a%22%3B%20x%3D%0D%0A.png"),
    ],
)
def test_a_file_is_saved_under_its_own_name(name: str, said: str) -> None:
    assert disposition_of("image/png", name=name) == said
