"""The repository that git works in: bare, this replica's own, and never missed when it is lost.

It holds one tip of one branch, without what came before it, so it does not grow with a history. Who opens it has it
alone until it is closed; whoever comes meanwhile gets an empty one for the time being. Where git fails in it, for
whatever reason, it is emptied and begun anew.
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
from crdtctl.sync import process as child
from crdtctl.sync.transport import Deadline
from crdtctl.sync.transports.git.environment import SETTINGS, environment_changes
from crdtctl.sync.transports.git.errors import NO_ROOM, misconfigured

#: The tip that is kept, as git calls it.
TIP: Final = "refs/crdtctl/tip"
# Files of ours in it: the format of its names; its bytes when it was last swept.
_FORMAT, _SWEPT = "format", "swept"
#: What is written to see whether there is room.
_SLAB = 2**16
#: It is swept when it has doubled, and grown by more than this many bytes.
_SLACK = 4 * 2**20


class Cache:
    """Opened when it is first used. A directory `state` may hold several; `key` says what is kept in this one."""

    def __init__(self, state: str, key: str, deadline: Deadline) -> None:
        self._state = os.path.abspath(state)
        self._path = f"{self._state}/{blake2b(os.fsencode(key), digest_size=8).hexdigest()}.git"
        self._runner = child.ProgramRunner(deadline, self._state)
        self._lock = -1
        self._is_borrowed = self._has_grown = False
        self._format = ""
        #: Whether it is to be begun anew when it is opened again.
        self.is_suspect = False

    @property
    def trace(self) -> str:
        """The path of a file for what git says of a single run."""
        return f"{self._open()}/trace"

    @property
    def hash_format(self) -> str:
        """The format of the names of objects here: ``sha1`` or ``sha256``."""
        self._open()
        return self._format

    def run(
        self,
        *arguments: str,
        stdin: IO[bytes] | bytes = b"",
        stdout: IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        repository: str = "",
        watch: child.StallDetector | None = None,
    ) -> child.ProgramResult:
        """Run git in it, or in `repository`, and return how that ended; raise `ConfigError` if it is set up wrongly."""
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
        """Return what git says of what is in here. If it fails, that is damaged and forgotten, to be tried again."""
        done = self.run(*arguments, stdin=stdin, stdout=stdout)
        if done.status and NO_ROOM.search(done.errors):
            raise StorageError(f"cannot write {printable(self._path)}: {done.last_lines}", "nothing was changed")
        if done.status and stdout is not None:
            _refuse_full(stdout)
        if done.status:
            self.forget()
            raise TransientError(f"{printable(self._path)} was damaged ({done.last_lines}); it is new now", "try again")
        return done.output

    def keep(self, tip: str) -> None:
        """Keep a commit as the tip, as if nothing came before it; what was kept is swept away some time."""
        self.ask("update-ref", TIP, tip)
        self._has_grown = True
        with self._translating_os_errors():
            self._write("shallow", f"{tip}\n")

    def forget(self, hash_format: str = "") -> None:
        """Begin anew, in another format if need be."""
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
                raise StorageError(f"cannot make {printable(path)}: {done.last_lines}", "nothing was changed")
            self._write(_FORMAT, self._format)

    def close(self) -> None:
        """Sweep it, if it has grown much, and let others have it."""
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
                raise PermissionError  # git makes files that their owner alone can replace
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody is in it, it is another user's, or this file system has no locks
            os.close(self._lock)
            self._is_borrowed = True
            self._path = tempfile.mkdtemp(prefix="crdtctl-git-", dir=temporary.directory(self._state))
            self._lock = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _sweep(self) -> None:
        before = self._read(_SWEPT)
        if self._size() > 2 * (int(before) if before.isdecimal() else 0) + _SLACK:
            self.ask("gc", "--quiet", "--prune=now")
            self._write(_SWEPT, str(self._size()))

    def _size(self) -> int:
        """Return how many bytes the objects take."""
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
    """Raise `StorageError` if nothing more can be written to a file: git does not say so of what it prints."""
    try:
        file.write(bytes(_SLAB))
        file.flush()
    except OSError as error:
        raise from_os(error, "write a temporary file") from None
