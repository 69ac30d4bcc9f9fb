"""A process that runs the embedded servers in the folder of argv, for tests to watch and kill.

It prints one line of JSON, {env, pids}, and stops in good order when its input ends.
"""

import sys
from pathlib import Path

import msgspec

from infra.embedded.data_folder import data_folder
from infra.embedded.servers import start_all


def main() -> None:
    """Run until the input ends."""
    with data_folder(Path(sys.argv[1]), least_free=0) as folder:
        servers = start_all(folder, given={})
        try:
            pids = {name: child.pid for name, child in servers.children.items()}
            line = msgspec.json.encode({"env": servers.env, "pids": pids}) + b"\n"
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            sys.stdin.buffer.read()
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
