"""The check of pages finds code and styles in them, and nothing else."""

import pytest

from tests.tools.page_rules import check, faults, faults_of_script


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
        ('<script src="//cdn/x.js"></script>', "from another host: //cdn/x.js"),
        ('<img src="https://cdn/x.png">', "from another host: https://cdn/x.png"),
        ("{{ text | safe }}", "text that is not escaped"),
        ("{% autoescape false %}", "text that is not escaped"),
    ],
)
def test_what_a_template_may_not_hold_is_found(template: str, fault: str) -> None:
    assert list(faults(f"<p>\n{template}")) == [(2, fault)]


@pytest.mark.parametrize(
    "script",
    ["eval(text)", "new Function(text)()", "row.innerHTML = text", "document.write(text)"],
)
def test_a_script_that_makes_code_or_html_out_of_text_is_found(script: str) -> None:
    [(line, what)] = faults_of_script(f"// harmless\n{script};")
    assert line == 2
    assert what.startswith("code or HTML out of text")


def test_the_templates_hold_none_of_it() -> None:
    assert check() == []


def test_a_page_with_scripts_of_ours_and_triggers_without_code_is_fine() -> None:
    template = """
    {% if x %}<script type="module" src="{{ asset('a.js') }}"></script>{% endif %}
    <section hx-get="{{ here }}" hx-trigger="changed from:body throttle:500ms"></section>
    """
    assert list(faults(template)) == []
