"""Why a request about machines is refused."""

from events.texts import Texts

MACHINES: Texts = {
    "machine_unobserved": (
        "No machine has told yet which nodes it has; that is needed to read this graph."
    ),
    "machine_ambiguous": (
        "you have several machines; name the one whose nodes the graph uses: {known}"
    ),
    "machine_removed": "This machine was removed; register it anew.",
    "machine_busy": "Runs are open on this machine; drain it first, or remove it by force.",
    "machine_has_open_runs": "runs on this machine that have not ended: {count}",
    "machine_token_needed": (
        "A machine that moves to another host needs its secrets again, or null for none."
    ),
    "machine_secret_needed": "send {name} for the new host as well, or null for none",
    "machine_header_reserved": "{name} belongs to HTTP itself and cannot be set",
    "machine_address_private": "{host} is not an address that a machine may have here",
    "machine_draining": (
        "the machine is being drained: it finishes what it has and takes nothing new"
    ),
    "machine_disabled": "the machine is disabled: it takes nothing new until it is resumed",
    "machine_never_observed": (
        "nobody has reached the machine yet, so it is not known what it can do"
    ),
    "bad_machine_url": (
        "the URL of a machine must begin with http:// or https:// and have no password in it"
    ),
}
