"""python -m tests.e2e.impatient_api: the API, with a heartbeat every second in its streams."""

from app import batch_stream, hub
from app.__main__ import main

if __name__ == "__main__":
    hub.HEARTBEAT = 1
    batch_stream.HEARTBEAT = 1  # type: ignore[attr-defined]  # it imports the name
    main(prog_name="python -m app")
