"""The process of the demo machine: `python -m infra.embedded.demo --port 8188 --dir DIR`."""

import asyncio
import signal
from pathlib import Path

import click

from infra.embedded.demo.server import serve


@click.command(context_settings={"show_default": True})
@click.option("--port", default=8188, help="Port on 127.0.0.1.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Its files.")
@click.option("--slow", "step_seconds", default=0.0, help="Seconds a sampler step takes.")
# In the environment alone: every account of the machine can read arguments.
@click.option("--token", envvar="DEMO_TOKEN", required=True, help="What requests must show.")
def main(port: int, folder: Path, step_seconds: float, token: str) -> None:
    """Speak ComfyUI's protocol without models: every picture is a drawing of its prompt."""
    asyncio.run(_serve(port, folder, step_seconds, token))


async def _serve(port: int, folder: Path, step_seconds: float, token: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(folder, port=port, step_seconds=step_seconds, token=token):
        await stop.wait()


if __name__ == "__main__":
    main()
