"""What clients send about machines."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.api.requests import Name
from events.machine.events import Driver

MachineUrl = Annotated[str, Meta(min_length=1, max_length=2000)]
MachineToken = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\A[\x21-\x7e]+\Z")]
"""Printable ASCII without spaces: it goes into a header."""

HeaderName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
]
"""A token of RFC 9110."""

HeaderValue = Annotated[
    str, Meta(min_length=1, max_length=4000, pattern=r"\A[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\Z")
]
ComfyApiKey = Annotated[str, Meta(min_length=8, max_length=4000, pattern=r"\A[\x21-\x7e]+\Z")]


class MachineHeader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A header that a machine, or the proxy in front of it, requires."""

    name: HeaderName
    value: Annotated[HeaderValue, Meta(description="Kept sealed, never shown.")]


MachineDriver = Annotated[
    Driver,
    Meta(
        description="How it is given its prompts: comfyui, by ComfyUI's own API; comfyui-deploy, "
        "by the plugin of that name, which stores files itself. The machine then has to reach this "
        "API and its storage, and is checked for it."
    ),
]


class RegisterMachineRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine to register."""

    name: Name
    url: MachineUrl
    driver: MachineDriver | UnsetType = UNSET
    token: (
        Annotated[
            MachineToken,
            Meta(
                description="Sent to the machine with every request, as a bearer token. "
                "Kept sealed, never shown."
            ),
        ]
        | None
    ) = None

    header: Annotated[
        MachineHeader | None,
        Meta(
            description="Sent to the machine with every request; called Authorization, in the "
            "place of the token."
        ),
    ] = None

    comfy_api_key: (
        Annotated[
            ComfyApiKey,
            Meta(
                description="The key of an account at comfy.org for its partner nodes. "
                "Kept sealed, never shown."
            ),
        ]
        | None
    ) = None


class ChangeMachineRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a machine; what is left out stays as it is."""

    name: Name | UnsetType = UNSET
    url: MachineUrl | UnsetType = UNSET
    driver: MachineDriver | UnsetType = UNSET
    token: (
        Annotated[
            MachineToken,
            Meta(
                description="Null: it needs none any more. "
                "Required when it moves to another host and has one."
            ),
        ]
        | UnsetType
        | None
    ) = UNSET

    header: Annotated[MachineHeader | UnsetType | None, Meta(description="The same.")] = UNSET

    comfy_api_key: Annotated[ComfyApiKey, Meta(description="The same.")] | UnsetType | None = UNSET
