"""Refusals: the rules say no, and nothing was recorded.

CommandRefused
 ├── InvalidGraph       the workflow's graph cannot be run by anyone
 ├── InvalidInputs      values that do not fit the workflow's inputs
 ├── NotFound           there is no such thing for this tenant
 ├── AlreadyExists      the id is taken by something else
 ├── IllegalTransition  the status table has no such step
 ├── Superseded         another worker has taken the run over
 ├── CallbackLate       a machine calls back about an attempt that is over
 ├── RunNotEnded        what was asked has to wait for the end of the run
 ├── MachineUnobserved  no machine was observed yet
 ├── InputsErased       what a run was made of is no longer kept
 ├── NothingToRerun     no run fits the filter
 ├── MachineGone        the machine was removed
 ├── MachineBusy        runs are open on the machine
 ├── PluginUnusable     the machine cannot be given its prompts by the plugin
 ├── MachineLacksPlugin a version needs classes that only the plugin brings
 ├── NameTaken          another machine has this name
 ├── TokenNeeded        the machine's token is not for where it moves to
 ├── IncompatibleInputs callers of the deployment would notice; it takes force
 ├── AliasReserved      the foreign id looks like one of comfyd's own
 ├── NothingToRollBack  the deployment ran nothing else before
 └── LastOwner          an organisation needs an owner
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from events.messages import CATALOGUE


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: a stable code, where, and the words to say it with."""

    code: str
    """Stable, documented in docs/errors.md; a key of the message catalogue."""

    pointer: str = ""
    """JSON pointer into what was sent (RFC 6901), such as /inputs/width."""

    params: dict[str, str] = {}
    """What the message's placeholders stand for."""

    def text(self) -> str:
        """Return it in English; infra.translation has it in other languages."""
        return CATALOGUE[self.code].format_map(self.params)


MOST_PROBLEMS = 100
"""Problems that one refusal names; more is not read, and a caller could make it millions."""

_MORE = "more_problems"


def shortened(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Keep the first problems, and say at the end how many more there are.

    What was shortened may be put together and shortened again: nothing is counted twice.
    """
    named: list[Problem] = []
    unnamed = 0
    for problem in problems:
        if problem.code == _MORE:
            unnamed += int(problem.params["count"])
        elif len(named) < MOST_PROBLEMS:
            named.append(problem)
        else:
            unnamed += 1
    if unnamed:
        named.append(Problem(code=_MORE, params={"count": str(unnamed)}))
    return tuple(named)


class CommandRefused(Exception):
    """The rules say no."""

    code = "refused"

    def __init__(
        self, text: str = "", *, problems: Collection[Problem] = (), **params: object
    ) -> None:
        self.problems = shortened(problems)
        self.text = text or ("" if problems else self.__doc__ or "")
        """What is wrong, in English, with placeholders; the docstring of the class where a raise
        says no more. It is a text of the catalogue. Empty where the problems say it."""

        self.params = params
        """What the placeholders of the text stand for."""

        super().__init__(self.text.format_map(params) or "; ".join(p.text() for p in problems))


class InvalidGraph(CommandRefused):
    """The workflow's graph cannot be run."""

    code = "invalid_graph"


class InvalidInputs(CommandRefused):
    """The inputs do not fit the workflow."""

    code = "invalid_inputs"


class NotFound(CommandRefused):
    """There is no such thing."""

    code = "not_found"


class AlreadyExists(CommandRefused):
    """The id is taken by something else."""

    code = "idempotency_conflict"


class IllegalTransition(CommandRefused):
    """The status table has no such step."""

    code = "illegal_transition"


class Superseded(CommandRefused):
    """Another worker has taken the run over."""

    code = "superseded"


class CallbackLate(CommandRefused):
    """The attempt that this callback is about is over."""

    code = "callback_late"


class RunNotEnded(CommandRefused):
    """The run has not ended."""

    code = "run_not_ended"


class InputsErased(CommandRefused):
    """The inputs of the run are no longer kept."""

    code = "inputs_erased"


class NothingToRerun(CommandRefused):
    """No run fits the filter, or none of those that do can be repeated."""

    code = "nothing_to_rerun"


class MachineGone(CommandRefused):
    """The machine was removed."""

    code = "machine_removed"


class MachineBusy(CommandRefused):
    """Runs are open on the machine."""

    code = "machine_busy"


class PluginUnusable(CommandRefused):
    """The machine cannot be used with this driver."""

    code = "plugin_unusable"


class MachineLacksPlugin(CommandRefused):
    """The machine lacks what the version needs of the comfyui-deploy plugin."""

    code = "machine_lacks_plugin"


class NameTaken(CommandRefused):
    """Another machine has this name."""

    code = "name_taken"


class TokenNeeded(CommandRefused):
    """The machine's token is not for where it moves to."""

    code = "machine_token_needed"


class LastOwner(CommandRefused):
    """An organisation needs an owner; make another member one first."""

    code = "last_owner"


class IncompatibleInputs(CommandRefused):
    """Callers of the deployment would notice."""

    code = "incompatible_inputs"


class NothingToRollBack(CommandRefused):
    """There is no such earlier version to go back to."""

    code = "nothing_to_roll_back"


class AliasReserved(CommandRefused):
    """A UUID of version 5 may be one of comfyd's own ids, so it stands for nothing else."""

    code = "alias_reserved"


class MachineUnobserved(CommandRefused):
    """No machine was observed yet, so its nodes are unknown."""

    code = "machine_unobserved"
