"""The command that starts a stand-in: `python -m tests.standin --port 8188 --dir DIR`."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import click

from tests.standin.plugin import PluginFaults
from tests.standin.server import serve
from tests.standin.switches import Switches, switched


@click.command(context_settings={"show_default": True})
@click.option("--port", default=8188, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where input, output and temp files and rendered.log are kept.",
)
@click.option(
    "--token",
    default="",
    envvar="STANDIN_TOKEN",  # where not everybody can read it, as they can an argument
    help="Refuse whoever does not show this bearer token.",
)
@click.option("--header", default="", help="The same for any header, such as 'X-API-Key: k'.")
@click.option("--slow", "step_seconds", default=0.0, help="Seconds a sampler step takes.")
@click.option("--node-seconds", default=0.0, help="Seconds every executed node takes besides.")
@click.option("--fail-class", default="", help="Nodes of this class raise.")
@click.option("--silent", is_flag=True, help="Sockets say nothing after their first frame.")
@click.option("--doubled", is_flag=True, help="Every event is sent twice.")
@click.option("--late", default=0.0, help="Events are sent so many seconds later.")
@click.option(
    "--hang-posts", default=0.0, help="Accept a prompt, but answer so many seconds later."
)
@click.option("--refuse-uploads", is_flag=True, help="Answer uploads with 500.")
@click.option("--drop-views", is_flag=True, help="Answer /view with 404.")
@click.option("--drip-views", default=0.0, help="Seconds before each byte of a file.")
@click.option("--plugin", is_flag=True, help="It has comfyui-deploy's plugin, which calls back.")
@click.option("--loses", default=0.0, help="Share of the callbacks that are lost.")
@click.option("--no-uploads", is_flag=True, help="The plugin stores no files.")
@click.option("--die-at", default="", help="End hard at this node class, or at the n-th prompt.")
def main(
    port: int,
    directory: Path,
    token: str,
    header: str,
    *,
    plugin: bool,
    loses: float,
    no_uploads: bool,
    **switches: Any,
) -> None:
    """Stand in for a ComfyUI: same HTTP and WebSocket behaviour, drawn pictures, no models.

    The options that make it slow or faulty can be changed while it runs:
    POST /standin/switches {"silent": true}. GET /standin/rendered counts executions by prompt.
    """
    wanted = header or (token and f"Authorization: Bearer {token}")
    faults = PluginFaults(loses=loses, doubles=loses, late=0.05, no_uploads=no_uploads)
    added = faults if plugin else None
    asyncio.run(_serve(port, directory, wanted, switched(Switches(), switches), added))


async def _serve(
    port: int, directory: Path, header: str, switches: Switches, plugin: PluginFaults | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(
        directory, port=port, switches=switches, header=header, plugin=plugin
    ) as server:
        click.echo(f"stand-in for ComfyUI ready at {server.url}")
        await stop.wait()
    # A thread that still encodes a picture would hold the process for seconds.
    os._exit(os.EX_OK)


if __name__ == "__main__":
    main()
