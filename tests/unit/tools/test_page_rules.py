"""The check of pages finds code and styles in them, and nothing else."""

import pytest

from tests.tools.page_rules import check, faults


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("<script>run()</script>", "<script> in the page"),
        ("<style>p {}</style>", "<style> in the page"),
        ('<p style="{{ x }}">', "a style attribute"),
        ('<a onclick="run()">', "a handler in the page: onclick"),
        ('<a hx-on:click="run()">', "hx-on:click"),
        ('<a data-hx-on:click="run()">', "hx-on:click"),
        ("<a hx-vals='js:{a: 1}'>", "code in hx-vals: js:{a: 1}"),
        ('<a href="javascript:run()">', "code in href: javascript:run()"),
        ('<a hx-trigger="click[ctrlKey]">', "a filter of a trigger: click[ctrlKey]"),
        ("{{ text | safe }}", "text that is not escaped"),
        ("{% autoescape false %}", "text that is not escaped"),
    ],
)
def test_what_a_template_may_not_hold_is_found(template: str, fault: str) -> None:
    assert list(faults(f"<p>\n{template}")) == [(2, fault)]


def test_the_templates_hold_none_of_it() -> None:
    assert check() == []


def test_a_page_with_scripts_of_ours_and_triggers_without_code_is_fine() -> None:
    template = """
    {% if x %}<script type="module" src="{{ asset('a.js') }}"></script>{% endif %}
    <section hx-get="{{ here }}" hx-trigger="changed from:body throttle:500ms"></section>
    """
    assert list(faults(template)) == []
