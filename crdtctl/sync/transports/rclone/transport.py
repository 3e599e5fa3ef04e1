"""Any storage that the system's ``rclone`` supports, from version 1.60 on. Its configuration holds the credentials.

One process makes a listing, and one process reads all files of a sync. It gets their names on standard input, since
there may be many, and other people choose them. The number of parallel transfers is the user's own setting of rclone.

If a place can rename files, a file is first put under a hidden name, because rclone writes in place before version
1.63. Other places are object stores, which show only whole files.
"""

import os
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    printable,
)
from crdtctl.store import temporary
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.process import ProgramRunner, as_utf8, one_line
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import (
    STALE_SECONDS,
    ListedObject,
    Transport,
    checked_name,
    is_draft,
    new_draft,
    refuse_unprintable,
)
from crdtctl.sync.transports.rclone.environment import environment_changes

_READ_SIZE = 2**18
#: Maximum number of bytes of an unexpected output that are shown.
_SHOWN = 100
#: Timeouts in seconds for a connection and a response, if the deadline is not earlier.
_CONNECT, _ANSWER = 15, 60
#: Never ask, and fail at once, because the sync itself retries.
_OPTIONS = ("--ask-password=false", "--use-json-log", "--retries=1", "--low-level-retries=1")
#: A local folder with the same file names as rclone's listing, with its replacements for control characters.
_HERE = ':local,encoding="Slash,Ctl,Del,InvalidUtf8,Dot":'
#: The meaningful statuses of rclone: no such folder, no such file, and a temporary error.
_GONE, _TEMPORARY = (3, 4), 5

_CONFIGURE = "see 'rclone listremotes' and 'rclone config'"
_ALLOWED = "check the credentials with 'rclone config', and their permissions"
_UNLOCK = "set RCLONE_CONFIG_PASS to the password of rclone's configuration, or set RCLONE_PASSWORD_COMMAND"
_TRANSIENT = (
    r"dial tcp|no such host|timeout|timed out|connection (refused|reset|lost|closed)|closed (network )?connection"
    r"|broken pipe|\bEOF\b|network is|temporary failure|too many|slow ?down|internal ?(server)? ?error|bad gateway"
    r"|service unavailable|rate ?limit"
)
_SKEWED = r"RequestTimeTooSkewed|RequestInTheFuture|time of the request|not yet valid|used too early|clock skew"
_FORBIDDEN = (
    r"unable to authenticate|permission denied|access ?denied|forbidden|(un|not )authori[sz]ed|invalid_grant"
    r"|token expired|signaturedoesnotmatch|invalidaccesskeyid"
)
#: Messages of rclone whose status is ambiguous. The first match counts.
_MESSAGES: Final[tuple[tuple[str, type[CrdtctlError], str], ...]] = (
    (r"didn't find section in config file", UnavailableError, _CONFIGURE),
    (r"decrypt configuration", AccessError, _UNLOCK),
    (_TRANSIENT, TransientError, "try again"),
    (_SKEWED, UnavailableError, "set the clock of this machine, which is wrong; the credentials may be right"),
    (_FORBIDDEN, AccessError, _ALLOWED),
    (
        r"no space left|disk space|quota|read-only",
        StorageError,
        "nothing was changed; check the space and permissions there",
    ),
)
_NOT_FOUND = re.compile(r"not found|no such (file|key|object)|not exist|doesn't exist", re.IGNORECASE)
#: Names and paths, which may contain any words.
_QUOTED = re.compile(r'"[^"]*"')
_STAMP = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")


class _Listed(msgspec.Struct, rename={"name": "Name", "size": "Size", "time": "ModTime", "number": "ID"}):
    """A file in the output of ``rclone lsjson``; the size is -1 if the place does not provide it."""

    name: str
    size: int
    time: str = ""
    number: str = ""


class _Features(msgspec.Struct, rename="pascal"):
    move: bool = False


class _Described(msgspec.Struct, rename="pascal"):
    """The output of ``rclone backend features``."""

    features: _Features


class _LogLine(msgspec.Struct):
    """A line of rclone's log."""

    level: str = ""
    msg: str = ""
    object: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of rclone: its status, output, last log lines, and the log lines about single files."""

    status: int
    output: bytes
    last_lines: str
    of_files: Mapping[str, str]


class Rclone(Transport):
    """A transport that starts a process for each operation; one process reads any number of files."""

    parallel = 0

    def __init__(self, place: Endpoint) -> None:
        address = place.address
        self._place = address if address.endswith((":", "/")) else f"{address}/"
        self._shown = printable(place.url)
        self._deadline = place.deadline
        self._state = place.state
        self._runner = ProgramRunner(place.deadline, place.state)
        self._renames: bool | None = None
        self._drafts: dict[str, str] = {}

    def list(self) -> Sequence[ListedObject]:
        # The server's own times come with the listing. The times that rclone keeps may need a request for each file.
        done = self._run("lsjson", "--files-only", "--no-mimetype", "--use-server-modtime", "--", self._place)
        self.is_absent = done.status in _GONE
        if self.is_absent:
            return []
        self._expect(done, "list")
        try:
            listed = msgspec.json.decode(done.output, type=list[_Listed])
        except msgspec.MsgspecError:
            raise self._not_json(done) from None
        self._drafts = {one.name: one.time for one in listed if is_draft(one.name)}
        found = {
            one.name: ListedObject(one.name, max(one.size, 0), f"{one.time} {one.number}".strip()) for one in listed
        }
        return list(found.values())

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        for entry in entries:
            try:
                refuse_unprintable(entry.name)
            except DataError as error:
                yield entry, error
        entries = [entry for entry in entries if entry.name.isprintable()]
        if not entries:  # without any name, rclone would copy all files
            return
        names = "".join(f"{checked_name(entry.name)}\n" for entry in entries).encode()
        jobs = [f"--transfers={self.parallel}"] if self.parallel else []
        copy = ("copy", "--files-from-raw=-", "--ignore-checksum", *jobs, "--", self._place, f"{_HERE}{directory}")
        done = self._run(*copy, stdin=names)
        # rclone silently skips a missing file. Any other failure concerns one file, or all of them.
        reasons = {entry.name: done.of_files[entry.name] for entry in entries if entry.name in done.of_files}
        general = "" if reasons or done.status in (0, *_GONE) else done.last_lines
        is_tidy = done.status > 0  # after a failure rclone deletes incomplete files; after a kill it cannot
        for entry in entries:
            path = f"{directory}/{entry.name}"
            reason = reasons.get(entry.name, general)
            if os.path.isfile(path) and (done.status == 0 or (is_tidy and os.path.getsize(path) == entry.size)):
                yield entry, LocalFile.at(path)
            elif not reason or (entry.name in reasons and _NOT_FOUND.search(reason)):
                yield entry, MissingError(f"{printable(entry.name)} does not exist in {self._shown}")
            else:
                failure = self._failure(f"read {printable(entry.name)} in", done.status, reason)
                if isinstance(failure, AccessError) and entry.name in reasons:
                    failure.hint = "check the owner and mode of the file there"
                yield entry, failure

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        with tempfile.TemporaryDirectory(dir=temporary.directory(self._state)) as directory:
            [(_, found)] = self.fetch([ListedObject(name, -1)], directory)
            if isinstance(found, CrdtctlError):
                raise found
            with open(found.path, "rb") as file:
                while block := file.read(_READ_SIZE):
                    write(block)

    def put(self, name: str, path: str) -> None:
        target = f"{self._place}{checked_name(name)}"
        if not self._can_rename():
            self._expect(self._run("copyto", "--ignore-times", "--", path, target), "write in")
            return
        self._put_as_a_whole(path, target)
        self._sweep()

    def _put_as_a_whole(self, path: str, target: str) -> None:
        """Put a file under a hidden name, and rename it."""
        draft = new_draft()
        self._expect(self._run("copyto", "--no-check-dest", "--", path, f"{self._place}{draft}"), "write in")
        try:
            self._expect(self._run("moveto", "--ignore-times", "--", f"{self._place}{draft}", target), "write in")
        except CrdtctlError:
            with suppress(CrdtctlError):
                self.delete(draft)
            raise

    def _sweep(self) -> None:
        """Delete drafts that killed syncs left behind a day ago or earlier, by the times in the listing."""
        now = time.time()
        old = [name for name, when in self._drafts.items() if now - _seconds(when, now) > STALE_SECONDS]
        self._drafts = {}
        if old:
            with suppress(CrdtctlError):
                self._delete(old)

    def _can_rename(self) -> bool:
        if self._renames is None:
            done = self._run("backend", "features", "--", self._place)
            self._expect(done, "write in")
            try:
                self._renames = msgspec.json.decode(done.output, type=_Described).features.move
            except msgspec.MsgspecError:
                raise self._not_json(done) from None
        return self._renames

    def delete(self, name: str) -> None:
        self._delete([name])

    def _delete(self, names: Sequence[str]) -> None:
        # Even a single name goes into a list: otherwise rclone's status for a missing file would not be distinct.
        lines = "".join(f"{checked_name(name)}\n" for name in names).encode()
        done = self._run("delete", "--files-from-raw=-", "--", self._place, stdin=lines)
        if done.status not in _GONE:
            self._expect(done, f"delete {printable(names[0])} in")

    def _run(self, *command: str, stdin: bytes = b"") -> _Result:
        left = self._deadline.remaining()
        times = (f"--contimeout={min(_CONNECT, left):.3f}s", f"--timeout={min(_ANSWER, left):.3f}s")
        called = ["rclone", *_OPTIONS, *times, *command]
        done = self._runner.run(called, stdin=stdin, environment=environment_changes())
        last_lines, of_files = _read_log(done.errors)
        return _Result(done.status, as_utf8(done.output), last_lines or done.last_lines, of_files)

    def _expect(self, done: _Result, doing: str) -> None:
        """Raise the error of a failed operation."""
        if done.status:
            raise self._failure(doing, done.status, done.last_lines)

    def _failure(self, doing: str, status: int, said: str) -> CrdtctlError:
        message = f"cannot {doing} {self._shown}: {one_line(said)}"
        words = _QUOTED.sub("", said)
        for pattern, kind, hint in _MESSAGES:
            if re.search(pattern, words, re.IGNORECASE):
                return kind(message, hint)
        if status == _TEMPORARY:
            return TransientError(message, "try again")
        return UnavailableError(message, f"check that this works: rclone lsf {shlex.quote(printable(self._place))}")

    def _not_json(self, done: _Result) -> UnavailableError:
        output = one_line(done.output[:_SHOWN].decode("utf-8", "replace"))
        message = f"rclone printed '{output}' instead of JSON for {self._shown}"
        return UnavailableError(message, "install rclone 1.60 or later; a wrapper must not print anything else")


def _seconds(when: str, unknown: float) -> float:
    """Return a time of rclone's in seconds since the epoch; `unknown` if it is not valid.

    >>> _seconds("1970-01-01T00:00:01.000000002Z", 9.0), _seconds("", 9.0)
    (1.0, 9.0)
    """
    try:
        return datetime.fromisoformat(when).timestamp()
    except ValueError:
        return unknown


def _read_log(text: str) -> tuple[str, dict[str, str]]:
    """Return the last lines of rclone's log, and its lines about single files. Not all lines are JSON.

    >>> _read_log('{"level":"error","msg":"object not found","object":"a"}\\n2022/01/02 03:04:05 Failed to copy: gone')
    ('Failed to copy: gone', {'a': 'object not found'})
    """
    errors, plain, of_files = [""], [], {}
    for line in text.splitlines():
        if not line.startswith("{"):
            plain.append(_STAMP.sub("", line))
            continue
        with suppress(msgspec.MsgspecError):  # the line may be incomplete
            entry = msgspec.json.decode(line, type=_LogLine)
            if entry.level not in ("debug", "info", "notice", "warning"):
                errors.append(entry.msg)
                of_files[entry.object] = entry.msg
    of_files.pop("", None)
    return " ".join(plain).strip() or errors[-1], of_files
