"""The network between the nodes of a NATS cluster, which can lose what a test wants to be lost.

Each node is reached through a proxy that understands the lines of NATS's route protocol. So one
node can be left behind for good: it misses the entries of one stream, while it hears its leader's
heartbeats and everything else, answers its clients and takes part in all other streams.
"""

import asyncio
import re
import threading
from collections.abc import Sequence

from infra.embedded.ports import LOOPBACK

_SERVER = re.compile(rb'"server_id":"(\w+)","server_name":"(\w+)"')
_CONNECT_NAME = re.compile(rb'"name":"(\w+)"')
_WITH_BODY = {b"RMSG", b"HMSG", b"LMSG"}
_HEARTBEAT = 64
"""Bytes that a leader's heartbeat has at most; with an entry it is longer."""

_LONGEST_LINE = 1024 * 1024


class RouteProxies:
    """Proxies in front of the route ports of all nodes, in a thread of their own."""

    def __init__(self) -> None:
        self._held: dict[str, set[bytes]] = {}
        self._isolated: set[str] = set()
        self._names: dict[bytes, str] = {}
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self, targets: Sequence[int]) -> list[int]:
        """Listen before each of these ports; return where."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._listen(targets), self._loop).result(10)

    def stop(self) -> None:
        """Cut all connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def hold(self, node: str, group: str) -> None:
        """Keep the entries of a Raft group from *node*: its replica stays where it is."""
        self._held.setdefault(node, set()).add(group.encode())

    def isolate(self, node: str) -> None:
        """Lose all messages from and to *node*; its connections stay open."""
        self._isolated.add(node)

    def heal(self) -> None:
        """Restore all routes; what lags behind catches up."""
        self._held.clear()
        self._isolated.clear()

    async def _listen(self, targets: Sequence[int]) -> list[int]:
        for target in targets:

            async def serve(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int = target
            ) -> None:
                await self._serve(target, reader, writer)

            server = await asyncio.start_server(serve, LOOPBACK, 0, limit=_LONGEST_LINE)
            self._servers.append(server)
        return [server.sockets[0].getsockname()[1] for server in self._servers]

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.transport.abort()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(
        self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # this is called from a coroutine
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection(LOOPBACK, target, limit=_LONGEST_LINE)
        except OSError:
            writer.close()
        else:
            self._writers |= {writer, back}
            ends: tuple[_End, _End] = _End(), _End()
            await asyncio.gather(
                self._pass_on(reader, back, *ends), self._pass_on(there, writer, *reversed(ends))
            )
            self._writers -= {writer, back}
        finally:
            self._tasks.discard(task)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sender: "_End",
        receiver: "_End",
    ) -> None:
        try:
            while line := await reader.readline():
                words = line.split()
                verb = words[0] if words else b""
                body = b""
                if verb in _WITH_BODY:
                    body = await reader.readexactly(int(words[-1]) + len(b"\r\n"))
                    if self._is_lost(words, self._name(sender), self._name(receiver)):
                        continue
                elif verb in {b"INFO", b"CONNECT"}:
                    self._learn(line, sender)
                writer.write(line + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The other end is told by closing.
        finally:
            writer.close()

    def _learn(self, line: bytes, sender: "_End") -> None:
        # A node also passes on what it heard of others: only its first word is about itself.
        if server := _SERVER.search(line):
            self._names[server[1]] = server[2].decode()
            sender.id = sender.id or server[1]
        elif name := _CONNECT_NAME.search(line):
            sender.id = sender.id or name[1]

    def _name(self, end: "_End") -> str:
        return self._names.get(end.id, "")

    def _is_lost(self, words: Sequence[bytes], sender: str, receiver: str) -> bool:
        if self._isolated & {sender, receiver}:
            return True
        held = self._held.get(receiver)
        if not held or int(words[-1]) <= _HEARTBEAT:
            return False
        # The subject is the first or second word: some routes carry one account and do not name it.
        subjects = [word for word in words[1:3] if word.startswith(b"$NRG.")]
        return any(
            subject.startswith(b"$NRG.CR.") or subject.removeprefix(b"$NRG.AE.") in held
            for subject in subjects
        )


class _End:
    """One end of a connection between two nodes; its id is known after the first line."""

    def __init__(self) -> None:
        self.id = b""
