"""What takes the callbacks of a real ComfyUI, and its files, for as long as the tests run.

It is there until the machine has been silent for a while: a callback that is not answered five
times can end the ComfyUI process, which is not ours to end.
"""

import atexit
import json
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from typing_extensions import override

SILENCE = 3.0
"""Seconds without a word after which no more is expected."""


class _Sink(ThreadingHTTPServer):
    daemon_threads = True
    last_word = 0.0

    def wait_for_silence(self) -> None:
        """Wait until the machine has reported all it has to report."""
        while time.monotonic() - self.last_word < SILENCE:
            time.sleep(0.1)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Sink

    def _answer(self) -> None:
        self.server.last_word = time.monotonic()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://127.0.0.1:{self.server.server_port}/stored"
        body = json.dumps({"status": "success", "url": url, "download_url": url}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 -- as http.server has it

    @override
    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@cache
def callback_sink() -> str:
    """Return the address of the one that runs, started when it is first wanted."""
    sink = _Sink(("127.0.0.1", 0), _Answer)
    Thread(target=sink.serve_forever, daemon=True).start()
    atexit.register(sink.wait_for_silence)
    return f"http://127.0.0.1:{sink.server_port}"
