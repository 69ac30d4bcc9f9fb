"""Measures a server's pulse in a process of its own: `python -m tests.e2e.pulse HOST PORT PATH`.

Asks the same again and again until its input ends, and prints when each question began and how
long the answer took, in seconds of the clock that all processes share.
"""

import http.client
import select
import sys
import time

PAUSE = 0.005


def main(host: str, port: str, path: str) -> None:
    """Ask until the input ends."""
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        began = time.monotonic()
        connection.request("GET", path)
        connection.getresponse().read()
        sys.stdout.write(f"{began} {time.monotonic() - began}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
