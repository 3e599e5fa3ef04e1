"""The bare local repository of the git transport. It may be lost at any time.

It holds one tip of one branch without its history, so it does not grow with the history. Only one process uses it at a
time; another process gets an empty temporary repository. After any failure of git in it, it is made again.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import IO, Final

from crdtctl.errors import CrdtctlError, StorageError, TransientError, from_os, printable
from crdtctl.store import owner, temporary
from crdtctl.sync import process
from crdtctl.sync.transport import Deadline
from crdtctl.sync.transports.git.environment import SETTINGS, environment_changes
from crdtctl.sync.transports.git.errors import NO_ROOM, misconfigured

#: The ref of the tip.
TIP: Final = "refs/crdtctl/tip"
# Own files in the repository: the format of its object names; its number of bytes after the last sweep.
_FORMAT, _SWEPT = "format", "swept"
#: Number of bytes to write as a test of free space.
_TEST_BYTES = 2**16
#: The repository is swept when it has doubled and grown by more than this number of bytes.
SLACK = 4 * 2**20


class Cache:
    """A local repository, opened at its first use. A directory `state` may hold several; `key` identifies this one."""

    def __init__(self, state: str, key: str, deadline: Deadline) -> None:
        self._state = os.path.abspath(state)
        self._path = f"{self._state}/{blake2b(os.fsencode(key), digest_size=8).hexdigest()}.git"
        self._runner = process.ProgramRunner(deadline, self._state)
        self._lock = -1
        self._is_borrowed = self._has_grown = False
        self._format = ""
        #: Whether the next process must make the repository again.
        self.is_suspect = False

    @property
    def trace(self) -> str:
        """The path of a file for the trace of one run of git."""
        return f"{self._open()}/trace"

    @property
    def hash_format(self) -> str:
        """The format of object names in this repository: ``sha1`` or ``sha256``."""
        self._open()
        return self._format

    def run(
        self,
        *arguments: str,
        stdin: IO[bytes] | bytes = b"",
        stdout: IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        repository: str = "",
        watch: process.StallDetector | None = None,
    ) -> process.ProgramResult:
        """Run git in it, or in `repository`; return the result. Raise `ConfigError` for wrong user settings."""
        path = self._open()
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        done = self._runner.run(
            ["git", f"--git-dir={repository or path}", *settings, *arguments],
            stdin=stdin,
            stdout=stdout,
            environment={**environment_changes(), "GIT_DEFAULT_HASH": self._format, **(environment or {})},
            directory=path,
            watch=watch,
        )
        if done.status and (wrong := misconfigured(done, path)):
            raise wrong
        return done

    def ask(self, *arguments: str, stdin: IO[bytes] | bytes = b"", stdout: IO[bytes] | None = None) -> bytes:
        """Return git's output. After a failure, make the repository again and raise `TransientError`."""
        done = self.run(*arguments, stdin=stdin, stdout=stdout)
        if done.status and NO_ROOM.search(done.errors):
            raise StorageError(
                f"cannot write {printable(self._path)}: {done.last_lines}",
                "nothing was changed; free some space or check the permissions",
            )
        if done.status and stdout is not None:
            _refuse_full(stdout)
        if done.status:
            self.forget()
            raise TransientError(f"{printable(self._path)} was damaged ({done.last_lines}); it is new now", "try again")
        return done.output

    def keep(self, tip: str) -> None:
        """Keep a commit as the tip, without its history. The former tip is removed by a later sweep."""
        self.ask("update-ref", TIP, tip)
        self._has_grown = True
        with self._translating_os_errors():
            self._write("shallow", f"{tip}\n")

    def forget(self, hash_format: str = "") -> None:
        """Make the repository again, in another format if necessary."""
        path = self._open()
        with self._translating_os_errors():
            with os.scandir(path) as found:
                for one in found:
                    if one.is_dir(follow_symlinks=False):
                        shutil.rmtree(one.path, ignore_errors=True)
                    else:
                        os.unlink(one.path)
            self._format = hash_format or self._format
            done = self.run("init", "--quiet", "--bare", "--template=")
            if done.status:
                raise StorageError(
                    f"cannot make {printable(path)}: {done.last_lines}",
                    "nothing was changed; free some space or check the permissions",
                )
            self._write(_FORMAT, self._format)

    def close(self) -> None:
        """Sweep the repository if it has grown, and release it."""
        if self._lock < 0:
            return
        with suppress(CrdtctlError, OSError):
            if self._is_borrowed:
                shutil.rmtree(self._path, ignore_errors=True)
            elif self.is_suspect:
                os.unlink(f"{self._path}/{_FORMAT}")
            elif self._has_grown:
                self._sweep()
            owner.give_all_back(self._path)
        os.close(self._lock)
        self._lock = -1

    def _open(self) -> str:
        if self._lock < 0:
            with self._translating_os_errors():
                self._take()
                self._format = self._read(_FORMAT)
                if self._format not in ("sha1", "sha256"):
                    self.forget("sha1")
        return self._path

    @contextmanager
    def _translating_os_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise from_os(error, f"write {printable(self._path)}") from None

    def _take(self) -> None:
        owner.make_directories(self._path, shared=True)
        self._lock = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if os.geteuid() not in (0, os.fstat(self._lock).st_uid):
                raise PermissionError  # only their owner can replace the files that git makes
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process or user has it, or the file system has no locks
            os.close(self._lock)
            self._is_borrowed = True
            self._path = tempfile.mkdtemp(prefix="crdtctl-git-", dir=temporary.directory(self._state))
            self._lock = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _sweep(self) -> None:
        before = self._read(_SWEPT)
        if self._size() > 2 * (int(before) if before.isdecimal() else 0) + SLACK:
            self.ask("gc", "--quiet", "--prune=now")
            self._write(_SWEPT, str(self._size()))

    def _size(self) -> int:
        """Return the number of bytes of the objects."""
        return sum(
            os.stat(f"{place}/{name}").st_size for place, _, names in os.walk(f"{self._path}/objects") for name in names
        )

    def _read(self, name: str) -> str:
        try:
            with open(f"{self._path}/{name}", encoding="ascii", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _write(self, name: str, text: str) -> None:
        with open(f"{self._path}/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _refuse_full(file: IO[bytes]) -> None:
    """Raise `StorageError` if nothing more can be written to a file, since git's own error is not clear about that."""
    try:
        file.write(bytes(_TEST_BYTES))
        file.flush()
    except OSError as error:
        raise from_os(error, "write a temporary file") from None
