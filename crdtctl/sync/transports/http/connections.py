"""Connections of the standard library's HTTP client, with one time for all that is done with them."""

import http.client
import io
import socket
from contextlib import suppress
from typing import Any

from crdtctl.sync.transport import POLL_INTERVAL, Deadline


class _Reader(io.RawIOBase):
    """What a socket receives; each receive ends when all must end, so that no server can dribble for ever."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._user = sock.makefile("rb", buffering=0)  # until that is closed, the socket stays open
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        while True:
            self._socket.settimeout(min(self._deadline.remaining(), POLL_INTERVAL))
            with suppress(TimeoutError):
                return self._socket.recv_into(buffer)

    def close(self) -> None:
        self._user.close()
        super().close()


class _Timed:
    """A connected socket, as far as the standard library's client uses it, with a time for all that is done with it."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def sendall(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:
            self._socket.settimeout(self._deadline.remaining())
            left = left[self._socket.send(left) :]

    def close(self) -> None:
        self._socket.close()


class Plain(http.client.HTTPConnection):
    """A connection over http."""

    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Timed(self.sock, self.deadline)


class Secure(http.client.HTTPSConnection):
    """A connection over https."""

    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Timed(self.sock, self.deadline)
