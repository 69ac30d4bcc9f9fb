"""python -m tests.e2e.impatient_api: the API, with a heartbeat every second in its streams."""

from app.__main__ import main
from app.live import broadcaster

if __name__ == "__main__":
    broadcaster.HEARTBEAT = 1
    main(prog_name="python -m app")
