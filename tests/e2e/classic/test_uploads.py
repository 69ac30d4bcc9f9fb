"""Images that clients store themselves: signed address, PUT, and a run by the public address."""

from base64 import b64encode

import httpx
import pytest

from tests.builders.pictures import picture, saved
from tests.e2e.batches import done
from tests.e2e.graphs import load
from tests.e2e.tenant import Json, Tenant, download


async def presigned(tenant: Tenant) -> tuple[str, str]:
    """Ask as the Figma plugin does."""
    answer = await tenant.http.post("/api/get-presigned-upload-url", json={"fileType": "image/png"})
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body.keys() == {"presignedUrl", "cdnUrl", "key", "fileType", "extension"}
    assert (body["fileType"], body["extension"]) == ("image/png", "png")
    return body["presignedUrl"], body["cdnUrl"]


async def upload_url(tenant: Tenant) -> tuple[str, str]:
    """Ask as the older clients do."""
    params = {"type": "image/png", "file_size": "200"}
    answer = await tenant.http.get("/api/upload-url", params=params)
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["file_id"].startswith("img_")
    return body["upload_url"], body["download_url"]


@pytest.mark.parametrize("ask", [presigned, upload_url], ids=lambda ask: ask.__name__)
async def test_a_run_takes_what_was_uploaded_by_its_address(ada: Tenant, ask: object) -> None:
    image = saved("PNG", picture(9, 7, seed=81))
    deployment = await ada.deploy(load())
    workflow = (await ada.http.get(f"/v1/deployments/{deployment}")).json()["workflow_id"]
    put_url, public = await (presigned if ask is presigned else upload_url)(ada)

    async with httpx.AsyncClient(trust_env=False) as storage:
        put = await storage.put(put_url, content=image, headers={"Content-Type": "image/png"})
        other = await storage.put(put_url, content=image, headers={"Content-Type": "text/html"})
    body = {"workflow_id": workflow, "inputs": {"picture": public}}
    made = await ada.http.post("/api/create-run", json=body)
    run: Json = await ada.ended(made.json()["run_id"])

    assert (put.is_success, other.status_code) == (True, 403)
    assert run["status"] == "success", run["error"]
    [output] = run["outputs"]
    assert (output["width"], output["height"]) == (9, 7)
    assert await download(output["url"])


async def test_the_runs_of_a_batch_and_a_rerun_take_uploads_as_well(ada: Tenant) -> None:
    deployment = await ada.deploy(load())
    put_url, public = await presigned(ada)
    image = saved("PNG", picture(8, 6, seed=84))
    async with httpx.AsyncClient(trust_env=False) as storage:
        await storage.put(put_url, content=image, headers={"Content-Type": "image/png"})

    body = {"deployment_id": deployment, "inputs": [{"picture": public}] * 2}
    batch = await ada.http.post("/v1/batches", json=body)
    assert batch.status_code == 202, batch.text
    await done(ada, batch.json()["id"])
    listed = await ada.http.get("/v1/runs", params={"batch_id": batch.json()["id"]})
    runs = listed.json()["data"]
    again = await ada.http.post(
        f"/v1/runs/{runs[0]['id']}/rerun", json={"inputs": {"picture": public}}
    )
    assert again.status_code == 202, again.text
    runs.append(await ada.ended(again.json()["id"]))

    sizes = [(run["outputs"][0]["width"], run["outputs"][0]["height"]) for run in runs]
    assert sizes == [(8, 6)] * 3


async def test_a_type_that_no_run_takes_is_refused_by_name(ada: Tenant) -> None:
    body = {"fileType": "image/svg+xml"}
    refused = await ada.http.post("/api/get-presigned-upload-url", json=body)
    query = await ada.http.get("/api/upload-url", params={"type": "text/html", "file_size": "1"})
    for answer, field in ((refused, "fileType"), (query, "type")):
        [issue] = answer.json()["error"]["issues"]
        assert (answer.status_code, issue["path"]) == (400, [field])
        assert issue["code"] == "upload_type_not_supported"


async def test_an_upload_that_was_not_stored_is_refused_as_that(ada: Tenant) -> None:
    deployment = await ada.deploy(load())
    _, public = await presigned(ada)
    body = {"deployment_id": deployment, "inputs": {"picture": public}}
    answer = await ada.http.post("/api/run", json=body)

    [issue] = answer.json()["error"]["issues"]
    assert (answer.status_code, issue["code"]) == (400, "upload_missing")
    assert issue["path"] == ["inputs", "picture"]


async def test_an_output_is_the_input_of_another_run_until_it_is_erased(ada: Tenant) -> None:
    deployment = await ada.deploy(load())
    image = b64encode(saved("PNG", picture(7, 5, seed=85))).decode()
    first = await ada.run(deployment, {"picture": f"data:image/png;base64,{image}"})
    url = first["outputs"][0]["url"]

    second = await ada.run(deployment, {"picture": url})
    [output] = second["outputs"]
    assert (output["width"], output["height"]) == (7, 5)

    assert (await ada.http.post(f"/v1/runs/{first['id']}/erase")).is_success
    for address in (url, url.replace("/files/", "/files/x")):
        body = {"deployment_id": deployment, "inputs": {"picture": address}}
        answer = await ada.http.post("/v1/runs", json=body)
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["code"]) == (422, "output_missing")
        assert error["pointer"] == "/inputs/picture"
