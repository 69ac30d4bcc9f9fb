"""Watched by callbacks alone, shuffled, doubled and with losses, a prompt ends the same."""

import asyncio
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from typing_extensions import override

from events.run.progress import Progress
from infra.comfyui.client import Client
from infra.comfyui.plugin.callbacks import read_callback
from infra.comfyui.watch.listening import Listener
from infra.comfyui.watch.watching import Patience, Watch
from infra.machine_driver import Finished, Interrupted, Outcome, PromptState, Running
from tests.interop.plugin_traces import GRAPH, PROMPT, Trace, disturbed, traces


class Deaf(Listener):
    """A listener whose WebSocket never comes."""

    @override
    def _begin(self) -> asyncio.Task[None]:
        self._closing = False
        return asyncio.create_task(asyncio.sleep(3600))


class Heard:
    """What is reported of the prompt."""

    def __init__(self) -> None:
        self.runs = 0
        self.percents: list[int] = []

    async def running(self) -> None:
        self.runs += 1

    async def progress(self, progress: Progress) -> None:
        self.percents.append(progress.percent)

    async def unreachable(self, error: str) -> None:
        raise AssertionError(error)

    async def reachable(self) -> None:
        raise AssertionError("it was never away")


class _NoClient:
    def at(self, *_: str) -> Any:
        return self

    def with_query(self, **_: str) -> Any:
        return self


async def watched(
    trace: Trace, sent: list[dict[str, Any]], at_the_end: int
) -> tuple[Outcome, Heard]:
    """Watch while callbacks come; from callback *at_the_end* on the machine says how it ended."""
    ended = False

    async def look_up() -> PromptState:
        return trace.outcome() if ended else Running()

    async def never() -> bool:
        return False

    heard = Heard()
    client = cast("Client", _NoClient())
    listener = Deaf(client, PROMPT, GRAPH, from_the_start=True)
    watch = Watch(
        listener,
        heard,
        look_up=look_up,
        is_idle=never,
        patience=Patience(silence=0.01, unreachable=10),
    )
    watching = asyncio.create_task(watch.to_the_end())
    for index, body in enumerate(sent):
        ended = ended or index >= at_the_end
        callback = read_callback(msgspec.json.encode(body))
        assert callback
        for frame in callback.frames:
            listener.take_hint(msgspec.json.encode(frame).decode())
        await asyncio.sleep(0)
    ended = True
    async with asyncio.timeout(10):
        outcome = await watching
    await listener.close()
    return outcome, heard


ENDING = sorted(name for name, trace in traces().items() if trace.events("execution_start"))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), name=st.sampled_from(ENDING))
def test_callbacks_shuffled_doubled_and_with_losses_end_the_same(
    data: st.DataObject, name: str
) -> None:
    trace = traces()[name]
    sent = data.draw(disturbed(trace.callbacks))
    at_the_end = data.draw(st.integers(0, len(sent)))

    outcome, heard = asyncio.run(watched(trace, sent, at_the_end))

    assert bare(outcome) == bare(trace.outcome())
    assert heard.percents == sorted(heard.percents)
    assert heard.runs <= 1


def test_the_scenarios_end_in_all_three_ways() -> None:
    assert {type(traces()[name].outcome()).__name__ for name in ENDING} == {
        "Finished",
        "Failed",
        "Interrupted",
    }
    assert len(ENDING) == 24
    assert isinstance(traces()["fork_interrupt"].outcome(), Interrupted)


def bare(outcome: Outcome) -> Outcome:
    """Leave out what only an ear in order knows: how long the nodes took."""
    return outcome if isinstance(outcome, Interrupted) else replace(outcome, nodes=())


def test_outputs_are_those_of_the_machine_whatever_the_plugin_stored() -> None:
    outcome = traces()["upstream_upload_fail"].outcome()

    assert isinstance(outcome, Finished)
    assert [output.filename for output in outcome.outputs] == ["a_00001_.png"]


async def test_while_the_socket_is_there_a_hint_says_only_that_it_may_be_over() -> None:
    listener = Deaf(cast("Client", _NoClient()), PROMPT, GRAPH, from_the_start=True)
    listener.connected = True
    begun = msgspec.json.encode({"type": "execution_start", "data": {"prompt_id": str(PROMPT)}})
    over = msgspec.json.encode({"type": "execution_success", "data": {"prompt_id": str(PROMPT)}})

    listener.take_hint(begun.decode())
    assert (listener.heard.started, listener.news.is_set()) == (False, False)
    listener.take_hint(over.decode())
    assert (listener.heard.over, listener.news.is_set()) == (True, True)
    await listener.close()


async def test_a_hint_about_another_prompt_is_no_sign_of_life() -> None:
    listener = Deaf(cast("Client", _NoClient()), PROMPT, GRAPH, from_the_start=True)

    listener.take_hint('{"type": "execution_success", "data": {"prompt_id": "another"}}')
    listener.take_hint("no words at all")

    assert (listener.heard.over, listener.last_word, listener.news.is_set()) == (False, 0.0, False)
    await listener.close()
