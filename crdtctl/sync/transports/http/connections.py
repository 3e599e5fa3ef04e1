"""Connections of the standard library's HTTP client, with one time limit for all operations on them."""

import http.client
import io
import socket
from contextlib import suppress
from typing import Any

from crdtctl.sync.transport import POLL_INTERVAL, Deadline


class _Reader(io.RawIOBase):
    """The receiving side of a socket. The deadline limits each receive, even from a slow server."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._user = sock.makefile("rb", buffering=0)  # this keeps the socket open
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


class _TimedSocket:
    """A connected socket with a deadline, with the methods that the standard library's client uses."""

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
        self.sock: Any = _TimedSocket(self.sock, self.deadline)


class Secure(http.client.HTTPSConnection):
    """A connection over https."""

    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _TimedSocket(self.sock, self.deadline)
