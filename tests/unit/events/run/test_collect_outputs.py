"""What a finished prompt left behind, and under which names."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from events.files import own_prefix, shown_subfolder
from events.run.collect_outputs import TEXT_LIMIT, collect_outputs
from events.run.output import Output

PROMPT = UUID(int=7)
OTHER = UUID(int=8)
OWN = f"comfyd/{PROMPT}"


def file(name: str, folder: str = "output", subfolder: str = OWN) -> dict[str, Any]:
    return {"filename": name, "subfolder": subfolder, "type": folder}


def names(*filenames: str) -> list[str]:
    outputs = collect_outputs({"3": {"images": [file(n) for n in filenames]}}, prompt_id=PROMPT)
    return [output.name for output in outputs]


def test_files_and_texts_are_collected_in_the_order_of_nodes_and_items() -> None:
    outputs = collect_outputs(
        {
            "9": {"images": [file("a.png"), file("b.png", subfolder=f"{OWN}/x")]},
            "3": {"text": ["猫", ""], "animated": [False], "3d": [file("m.glb")]},
            "4": {"gifs": [{"filename": "v.mp4"}], "odd": [{"a": 1}, None, 3, ["x"]]},
            "5": {"text": "alone"},
            "6": None,
        },
        prompt_id=PROMPT,
    )
    assert outputs == (
        Output(index=0, node_id="9", kind="images", filename="a.png", subfolder=OWN, name="a.png"),
        Output(
            index=1,
            node_id="9",
            kind="images",
            filename="b.png",
            subfolder=f"{OWN}/x",
            name="b.png",
        ),
        Output(index=2, node_id="3", kind="text", text="猫"),
        Output(index=3, node_id="3", kind="text", text=""),
        Output(index=4, node_id="3", kind="3d", filename="m.glb", subfolder=OWN, name="m.glb"),
        Output(index=5, node_id="4", kind="gifs", filename="v.mp4", name="v.mp4"),
        Output(index=6, node_id="4", kind="odd", text='{"a":1}'),
        Output(index=7, node_id="4", kind="odd", text="null"),
        Output(index=8, node_id="4", kind="odd", text="3"),
        Output(index=9, node_id="4", kind="odd", text='["x"]'),
        Output(index=10, node_id="5", kind="text", text="alone"),
    )


@pytest.mark.parametrize(
    ("shown", "texts"),
    [
        ({"text": [5]}, ["5"]),
        ({"text": 5}, ["5"]),
        ({"text": [["a", "b"]]}, ['["a","b"]']),
        ({"value": [0.25, -3, 1e30]}, ["0.25", "-3", "1e+30"]),
        ({"ok": [True, False, None]}, ["true", "false", "null"]),
        ({"ok": None}, ["null"]),
        ({"text": [{"名": [1, {"b": 2}]}]}, ['{"名":[1,{"b":2}]}']),
        ({"text": ["5", '["a"]', ""]}, ["5", '["a"]', ""]),
        ({"value": [float("nan"), float("-inf")]}, ["NaN", "-Infinity"]),
        ({"text": [{"filename": ""}, {"filename": 5}]}, ['{"filename":""}', '{"filename":5}']),
        ({"text": [], "none": {}}, ["{}"]),
        ({"animated": [True], "text": ["a"]}, ["a"]),
        ({"curve": [*range(20)]}, [str(n) for n in range(20)]),
        ({"curve": [*range(21)]}, [f"[{','.join(str(n) for n in range(21))}]"]),
        ({"text": [*"abcdefghijklmnopqrstu"]}, [*"abcdefghijklmnopqrstu"]),
    ],
)
def test_whatever_a_node_shows_is_kept_as_text(shown: object, texts: list[str]) -> None:
    outputs = collect_outputs({"1": shown}, prompt_id=PROMPT)
    assert [output.text for output in outputs] == texts


@pytest.mark.parametrize(
    ("filename", "subfolder", "place"),
    [
        (f"{OWN}/a.png", "", (OWN, "a.png")),
        (f"{OWN}/x/a.png", OWN, (f"{OWN}/x", "a.png")),
        (f"comfyd\\{PROMPT}\\a.png", "", (OWN, "a.png")),
        ("x/a.png", "", ("", "x/a.png")),
        ("a.png", "x", ("x", "a.png")),
    ],
)
def test_a_name_with_the_prompts_folder_is_taken_apart(
    filename: str, subfolder: str, place: tuple[str, str]
) -> None:
    shown = {"images": [file(filename, subfolder=subfolder)]}
    [output] = collect_outputs({"1": shown}, prompt_id=PROMPT)
    assert (output.subfolder, output.filename) == place


def test_a_name_that_climbs_out_of_the_prompts_folder_is_no_file_of_its() -> None:
    shown = {"images": [file(f"{OWN}/../{OTHER}/a.png", subfolder="")]}
    assert collect_outputs({"1": shown}, prompt_id=PROMPT) == ()


def test_files_in_a_list_within_the_list_are_files() -> None:
    shown = {"images": [[file("a.png"), file("b.png")], file("c.png"), [[1]]]}
    outputs = collect_outputs({"1": shown}, prompt_id=PROMPT)
    assert [o.filename or o.text for o in outputs] == ["a.png", "b.png", "c.png", "[[1]]"]


def test_a_long_text_is_cut_and_says_so() -> None:
    whole, cut = collect_outputs(
        {"1": {"text": ["猫" * TEXT_LIMIT, "猫" * (TEXT_LIMIT + 3)]}}, prompt_id=PROMPT
    )
    assert (whole.text, whole.omitted) == ("猫" * TEXT_LIMIT, UNSET)
    assert (cut.text, cut.omitted) == ("猫" * TEXT_LIMIT, 3)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ([file("a.png", "temp")], ["a.png"]),
        ([file("a.png", "temp"), file("b.png")], ["b.png"]),
        ([file("a.png", "temp"), "text"], ["a.png", ""]),
        ([file("a.png", "input"), file("b.png", "temp")], ["b.png"]),
        ([file("a.png", subfolder=f"comfyd/{OTHER}")], []),
        ([file("a.png", subfolder=f"x/../comfyd/{OTHER}")], []),
        ([file("a.png", subfolder=f"\\Comfyd\\{OTHER}")], []),
        ([file("a.png", subfolder="comfyd"), file("b.png", subfolder="x/y")], ["a.png", "b.png"]),
    ],
)
def test_previews_inputs_and_files_of_others_are_left_out(
    shown: list[object], kept: list[str]
) -> None:
    outputs = collect_outputs({"1": {"images": shown}}, prompt_id=PROMPT)
    assert [output.filename for output in outputs] == kept
    assert [output.index for output in outputs] == list(range(len(kept)))


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("我 的 猫.png", "我 的 猫.png"),
        ("../../etc/passwd", "._._etc_passwd"),
        ("a\\b\n\x00.png", "a_b.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("..", "file"),
        ("\n", "file"),
        ("猫" * 100 + ".png", "猫" * 65 + ".png"),
        ("a." + "b" * 300, "a." + "b" * 198),
        ("x" * 195 + ".yyyyy.png", "x" * 195 + ".png"),
        (".hidden", ".hidden"),
    ],
)
def test_a_name_is_safe_in_an_object_key(filename: str, name: str) -> None:
    assert names(filename) == [name]


def test_names_that_collide_get_their_node_and_position() -> None:
    assert names("a.png", "a.png", "a-3-3.png", "a.png", "b", "b") == [
        "a.png",
        "a-3-1.png",
        "a-3-3.png",
        "a-3-3-2.png",
        "b",
        "b-3-5",
    ]


@given(st.lists(st.sampled_from(["a.png", "a-3-1.png", "a/../b", "..", "猫" * 90]) | st.text()))
def test_names_are_unique_and_safe_whatever_a_node_calls_its_files(filenames: list[str]) -> None:
    found = names(*[name for name in filenames if name])
    stored = [name for name in found if name]
    assert len(set(stored)) == len(stored) == len([name for name in filenames if name])
    for name in stored:
        assert len(name.encode()) <= 200
        assert not {"/", "\\", "\n", "\0"} & set(name)
        assert ".." not in name


@pytest.mark.parametrize(
    ("subfolder", "shown"),
    [
        (OWN, ""),
        (f"{OWN}/a/b", "a/b"),
        (f"comfyd\\{PROMPT}\\a", "a"),
        ("a", "a"),
        ("", ""),
        (f"{OWN}1/a", f"{OWN}1/a"),
        (f"comfyd/{OTHER}/a", f"comfyd/{OTHER}/a"),
    ],
)
def test_the_prompts_own_folder_is_not_shown(subfolder: str, shown: str) -> None:
    assert shown_subfolder(subfolder, PROMPT) == shown


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("cat", "cat"),
        ("video/猫 %width%", "video/猫 %width%"),
        ("../../etc/cat", "etc/cat"),
        ("/etc/cat", "etc/cat"),
        ("..\\..\\cat", "cat"),
        ("a/.. /. /b", "a/b"),
        ("", "ComfyUI"),
        ("../", "ComfyUI"),
        ("a\x00b\n", "ab"),
    ],
)
def test_a_prefix_cannot_climb_out_of_the_prompts_folder(prefix: str, path: str) -> None:
    assert own_prefix(PROMPT, prefix) == f"{OWN}/{path}"
