"""A folder on a mount that may hang, accessed by a child process.

A process that waits for such a mount often cannot be interrupted, or even killed, until the file server is back. So a
child process does the waiting. When the time is over, or a signal comes, the child is left behind; it ends when the
mount answers. It holds no lock and inherits no open file.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from crdtctl import errors
from crdtctl.errors import CrdtctlError, TransientError, printable
from crdtctl.sync.process import deferred_signals
from crdtctl.sync.schemes import Endpoint, is_repository
from crdtctl.sync.transport import POLL_INTERVAL, Deadline, ListedObject, Transport, inherited_environment
from crdtctl.sync.transports.folder.transport import Folder

#: Code of the child process. It gets this process's import path, and ignores the environment.
_CHILD: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from crdtctl.sync.transports.folder.child_process import serve; serve(sys.argv[2])"
)
_READ_SIZE = 2**16
#: Seconds that the child process gets to end, before it is left behind.
_END_SECONDS = 0.5


class ChildProcessFolder(Transport):
    """A `Folder` in a child process. Requests and answers are lines of JSON; the bytes of a file follow their line."""

    is_consistent = True

    def __init__(self, place: Endpoint) -> None:
        self._path = place.address
        self._deadline = place.deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._received = bytearray()

    def list(self) -> Sequence[ListedObject]:
        found = self._ask("list")
        self.is_absent = found is None
        return [ListedObject(*one) for one in found or ()]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self._ask("get", name, write=write)

    def put(self, name: str, path: str) -> None:
        self.made = self._ask("put", name, os.path.abspath(path)) or self.made

    def delete(self, name: str) -> None:
        self._ask("delete", name)

    @property
    def atomic(self) -> bool:
        return bool(self._ask("atomic"))

    def is_repository(self) -> bool:
        """Return whether the place is a git repository."""
        return bool(self._ask("is_repository"))

    def close(self) -> None:
        process, self._process = self._process, None
        self._received.clear()
        if process is None:
            return
        process.terminate()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.returncode = -signal.SIGTERM  # this will be its status when the mount answers

    def _ask(self, *request: str, write: Callable[[bytes], object] | None = None) -> Any:
        """Return the answer to a request, or raise the error that the child process raised."""
        try:
            pipe = self._started().stdin
            assert pipe is not None
            os.write(pipe.fileno(), json.dumps(request).encode("ascii") + b"\n")
            while True:
                answer = json.loads(self._line())
                if "piece" not in answer:
                    break
                piece = self._bytes(answer["piece"])
                if write is not None:
                    write(piece)
        except BrokenPipeError:
            self.close()
            raise self._ended() from None
        except BaseException:
            self.close()
            raise
        if "error" in answer:
            kind, message, hint = answer["error"]
            raise getattr(errors, kind)(message, hint)
        return answer["result"]

    def _started(self) -> "subprocess.Popen[bytes]":
        self._deadline.remaining()
        if self._process is None:
            path = [os.path.abspath(one) for one in sys.path]
            modes = ["-X", "utf8"] if sys.flags.utf8_mode else []
            with deferred_signals():
                self._process = subprocess.Popen(
                    [sys.executable, "-I", *modes, "-c", _CHILD, json.dumps(path), self._path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=inherited_environment(),
                    start_new_session=True,
                    bufsize=0,
                )
        return self._process

    def _line(self) -> bytes:
        while (end := self._received.find(b"\n")) < 0:
            self._receive()
        return self._taken(end + 1)

    def _bytes(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def _receive(self) -> None:
        """Wait for more of the answer; raise `TransientError` when the time is over."""
        assert self._process is not None
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        try:
            while not select.select([fd], [], [], min(self._deadline.remaining(), POLL_INTERVAL))[0]:
                pass
        except TransientError as error:
            message = f"{printable(self._path)} does not answer: {error.message}"
            raise TransientError(message, "check that its file server is running and reachable") from None
        block = os.read(fd, _READ_SIZE)
        if not block:
            raise self._ended()
        self._received += block

    def _ended(self) -> CrdtctlError:
        return TransientError(f"the process that reads {printable(self._path)} was killed", "try again")


def serve(path: str) -> None:
    """Run as the child process: carry out requests for the folder at `path` until there are no more."""

    def end(*_: object) -> NoReturn:
        raise SystemExit

    signal.signal(signal.SIGTERM, end)
    with Folder(Endpoint(path, path, Deadline(float("inf")), "")) as folder:
        for line in sys.stdin.buffer:
            try:
                answer: dict[str, Any] = {"result": _carry_out(folder, path, *json.loads(line))}
            except CrdtctlError as error:
                answer = {"error": [type(error).__name__, error.message, error.hint]}
            _say(answer)


def _carry_out(folder: Folder, path: str, what: str, *names: str) -> object:
    match what, names:
        case "list", ():
            listing = [(entry.name, entry.size, entry.version) for entry in folder.list()]
            return None if folder.is_absent else listing
        case "get", (name,):
            folder.get(name, _send)
        case "put", (name, source):
            folder.put(name, source)
            return folder.made
        case "delete", (name,):
            folder.delete(name)
        case "atomic", ():
            return folder.atomic
        case "is_repository", ():
            return is_repository(path)
        case _:
            raise AssertionError(what)
    return None


def _say(answer: object, piece: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n" + piece)
    sys.stdout.buffer.flush()


def _send(piece: bytes) -> None:
    _say({"piece": len(piece)}, piece)
