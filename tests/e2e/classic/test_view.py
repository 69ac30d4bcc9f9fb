"""A file by its key: a key can be guessed, so it alone opens nothing that an address protects."""

import httpx

from tests.e2e.graphs import MISSING, card
from tests.e2e.system import System
from tests.e2e.tenant import Tenant


async def key_of(tenant: Tenant) -> tuple[str, str]:
    """Return the key and the address of an output."""
    run = await tenant.run(await tenant.deploy(card()))
    return f"outputs/runs/{run['id']}/card_00001_.png", run["outputs"][0]["url"]


async def test_a_signed_address_is_only_for_those_who_may_read_the_run(
    system: System, ada: Tenant, bob: Tenant
) -> None:
    key, address = await key_of(ada)
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as stranger:
        refused = await stranger.get("/api/view", params={"file": key})
    hidden = await bob.http.get("/api/view", params={"file": key})
    led = await ada.http.get("/api/view", params={"file": key})
    unknown = [
        await ada.http.get("/api/view", params={"file": file})
        for file in ("inputs/x/y.png", "", "outputs/runs/x/y.png", f"outputs/runs/{MISSING}/y.png")
    ]

    assert (refused.status_code, "Location" in refused.headers) == (401, False)
    assert (hidden.status_code, "Location" in hidden.headers) == (404, False)
    assert (led.status_code, led.headers["Location"]) == (307, address)
    assert {answer.status_code for answer in unknown} == {404}


async def test_a_file_of_a_public_bucket_is_led_to_without_a_credential(
    system: System, ada: Tenant
) -> None:
    key, signed = await key_of(ada)
    url = system.start_another_api("api beside a bucket", COMFYD_SERVE_FILES="false")
    await system.until_ready(url)
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as stranger:
            led = await stranger.get("/api/view", params={"file": key})
            private = await stranger.get("/api/view", params={"file": "inputs/x/y.png"})
    finally:
        system.end("api beside a bucket")

    address = led.headers["Location"]
    assert (led.status_code, address.endswith(f"/{key}"), "/files/" in address) == (
        307,
        True,
        False,
    )
    assert signed.endswith(f"/{key}")
    assert (private.status_code, private.json()) == (
        404,
        {"error": "no output of a run has this address"},
    )
