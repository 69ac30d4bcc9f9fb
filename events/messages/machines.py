"""Why a request about machines is refused."""

from events.messages.texts import Texts

MACHINES: Texts = {
    "machine_unobserved": (
        "No machine has reported its nodes yet; they are needed to convert this graph."
    ),
    "machine_ambiguous": (
        "you have several machines; name the one whose nodes the graph uses: {known}"
    ),
    "machine_removed": "This machine was removed; register it again.",
    "machine_busy": "Runs are open on this machine; drain it first, or remove it with force.",
    "plugin_unusable": "The machine cannot be used with this driver.",
    "machine_lacks_plugin": (
        "The machine lacks what this version needs of the comfyui-deploy plugin; install it there, "
        "choose another machine, or promote with force and install it then."
    ),
    "callback_url_missing": (
        "the machine would not know where this API is: set COMFYD_CALLBACK_URL to its address, as "
        "machines reach it"
    ),
    "plugin_slow": (
        "the machine has not stored a file within {seconds} s: it has to reach this API at "
        "COMFYD_CALLBACK_URL, and the storage"
    ),
    "plugin_missing": "this ComfyUI has no plugin of comfyui-deploy",
    "plugin_cannot_store": (
        "the machine could not store a file by way of {url}; it has to reach that address and the "
        "storage: {reason}"
    ),
    "machine_has_open_runs": "open runs on this machine: {count}",
    "machine_token_needed": (
        "To move a machine to another host, send its secrets again, or null for none."
    ),
    "machine_secret_needed": "send {name} for the new host as well, or null for none",
    "machine_header_reserved": "{name} belongs to HTTP itself and cannot be set",
    "machine_address_private": "{host} is not an allowed address for a machine",
    "machine_draining": ("the machine is draining: it finishes its runs and accepts no new ones"),
    "machine_disabled": "the machine is disabled: it accepts no new runs until it is resumed",
    "machine_never_observed": (
        "no worker has reached the machine yet, so its capabilities are not known"
    ),
    "bad_machine_url": (
        "the URL of a machine must begin with http:// or https:// and have no password in it"
    ),
}
