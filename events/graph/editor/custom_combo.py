"""CustomCombo: a combo whose options the graph holds itself, as further widgets."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import UNSET

from events.graph.editor.classes import Widget

CUSTOM_COMBO = "CustomCombo"
_INDEX = Widget(name="index", type="INT")


def read_options(choice: object, take: Callable[[str], object]) -> Iterator[tuple[Widget, object]]:
    """Yield the place of the choice, and the options: those that are filled in and one more."""
    take(_INDEX.name)  # The editor counts anew.
    options = [""]
    for number, _ in enumerate(options):  # It grows with each that is filled in.
        saved = take(f"option{number + 1}")
        options[number] = "" if saved is UNSET else str(saved)
        if options[number]:
            options.append("")
    yield _INDEX, _place(options, choice)
    for number, option in enumerate(options, 1):
        yield Widget(name=f"option{number}", type="STRING"), option


def with_choice(values: Mapping[str, object], choice: object) -> dict[str, object]:
    """Return the values of a node after a primitive has chosen."""
    options = [value for name, value in values.items() if name.startswith("option")]
    return {**values, _INDEX.name: _place(options, choice)}


def _place(options: Sequence[object], choice: object) -> int:
    return options.index(choice) if choice in options else -1
