"""Whatever rclone reaches, by the system's own ``rclone``, from 1.60 on; its configuration holds the credentials.

A process for a listing, and one for all files that are read, whose names it gets on standard input: they are
strangers', and there may be many. How many are moved at once is the user's own setting of rclone.

Where a place can rename files, a put goes to a hidden name first: rclone itself writes in place before 1.63. Other
places are object stores, in which a file appears when it is whole.
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
from crdtctl.sync.process import ProgramRunner, as_utf8, one_line
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import (
    STALE_SECONDS,
    Entry,
    Transport,
    checked_name,
    is_draft,
    new_draft,
    refuse_unprintable,
)
from crdtctl.sync.transports.rclone.environment import environment_changes

_BLOCK = 2**18
#: The number of bytes of an answer that is not understood which are shown.
_SHOWN = 100
#: Seconds for a connection, and for an answer; less if less time is left.
_CONNECT, _ANSWER = 15, 60
#: Not asking, and failing at once: it is us who try again.
_OPTIONS = ("--ask-password=false", "--use-json-log", "--retries=1", "--low-level-retries=1")
#: A folder of this machine in which files have the very names that rclone tells, with signs for control characters.
_HERE = ':local,encoding="Slash,Ctl,Del,InvalidUtf8,Dot":'
#: The statuses of rclone that are looked at: no such folder, no such file, and what it would try again itself.
_GONE, _PASSING = (3, 4), 5

_CONFIGURE = "see 'rclone listremotes' and 'rclone config'"
_ALLOWED = "see 'rclone config' for the credentials, and whether they may do that there"
_UNLOCK = "put the password of rclone's configuration into RCLONE_CONFIG_PASS, or see RCLONE_PASSWORD_COMMAND"
_PASSES = (
    r"dial tcp|no such host|timeout|timed out|connection (refused|reset|lost|closed)|closed (network )?connection"
    r"|broken pipe|\bEOF\b|network is|temporary failure|too many|slow ?down|internal ?(server)? ?error|bad gateway"
    r"|service unavailable|rate ?limit"
)
_SKEWED = r"RequestTimeTooSkewed|RequestInTheFuture|time of the request|not yet valid|used too early|clock skew"
_FORBIDDEN = (
    r"unable to authenticate|permission denied|access ?denied|forbidden|(un|not )authori[sz]ed|invalid_grant"
    r"|token expired|signaturedoesnotmatch|invalidaccesskeyid"
)
#: What rclone says, of which its status does not tell: the first that is found counts.
_SAYINGS: Final[tuple[tuple[str, type[CrdtctlError], str], ...]] = (
    (r"didn't find section in config file", UnavailableError, _CONFIGURE),
    (r"decrypt configuration", AccessError, _UNLOCK),
    (_PASSES, TransientError, "try again"),
    (_SKEWED, UnavailableError, "the clock of this machine is wrong; the credentials may be right"),
    (_FORBIDDEN, AccessError, _ALLOWED),
    (r"no space left|disk space|quota|read-only", StorageError, "nothing was changed there"),
)
_NOT_FOUND = re.compile(r"not found|no such (file|key|object)|not exist|doesn't exist", re.IGNORECASE)
#: Names and paths, which may be any words.
_QUOTED = re.compile(r'"[^"]*"')
_STAMP = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")


class _Listed(msgspec.Struct, rename={"name": "Name", "size": "Size", "time": "ModTime", "number": "ID"}):
    """A file as ``rclone lsjson`` prints it; the size is -1 where the place does not tell it."""

    name: str
    size: int
    time: str = ""
    number: str = ""


class _Features(msgspec.Struct, rename="pascal"):
    move: bool = False


class _Described(msgspec.Struct, rename="pascal"):
    """What ``rclone backend features`` prints."""

    features: _Features


class _Said(msgspec.Struct):
    """A line of rclone's log."""

    level: str = ""
    msg: str = ""
    object: str = ""


@dataclass(frozen=True, slots=True)
class _Done:
    """How rclone ended: what it said last, and of single files."""

    status: int
    output: bytes
    last_lines: str
    of_files: Mapping[str, str]


class Rclone(Transport):
    """A process for each operation, for any number of files that are read."""

    def __init__(self, place: Endpoint) -> None:
        address = place.address
        self._place = address if address.endswith((":", "/")) else f"{address}/"
        self._shown = printable(place.url)
        self._deadline = place.deadline
        self._state = place.state
        self._runner = ProgramRunner(place.deadline, place.state)
        self._renames: bool | None = None
        self._drafts: dict[str, str] = {}

    def list(self) -> Sequence[Entry]:
        # The time when a server got a file comes with its listing; the one that rclone keeps may cost a request each.
        done = self._run("lsjson", "--files-only", "--no-mimetype", "--use-server-modtime", "--", self._place)
        if done.status in _GONE:
            return []
        self._expect(done, "list")
        try:
            listed = msgspec.json.decode(done.output, type=list[_Listed])
        except msgspec.MsgspecError:
            raise self._incomprehensible(done) from None
        self._drafts = {one.name: one.time for one in listed if is_draft(one.name)}
        found = {one.name: Entry(one.name, max(one.size, 0), f"{one.time} {one.number}".strip()) for one in listed}
        return list(found.values())

    def fetch(self, entries: Sequence[Entry], directory: str) -> Iterator[tuple[Entry, str | CrdtctlError]]:
        for entry in entries:
            try:
                refuse_unprintable(entry.name)
            except DataError as error:
                yield entry, error
        entries = [entry for entry in entries if entry.name.isprintable()]
        if not entries:  # from no names at all rclone would conclude that all are meant
            return
        names = "".join(f"{checked_name(entry.name)}\n" for entry in entries).encode()
        copy = ("copy", "--files-from-raw=-", "--ignore-checksum", "--", self._place, f"{_HERE}{directory}")
        done = self._run(*copy, stdin=names)
        # A file that is not there is passed over in silence. Any other failure is of a file, or of all.
        said = {entry.name: done.of_files[entry.name] for entry in entries if entry.name in done.of_files}
        general = "" if said or done.status in (0, *_GONE) else done.last_lines
        is_tidy = done.status > 0  # where it fails it deletes what is not whole; where it is killed it cannot
        for entry in entries:
            path = f"{directory}/{entry.name}"
            reason = said.get(entry.name, general)
            if os.path.isfile(path) and (done.status == 0 or (is_tidy and os.path.getsize(path) == entry.size)):
                yield entry, path
            elif not reason or (entry.name in said and _NOT_FOUND.search(reason)):
                yield entry, MissingError(f"there is no {printable(entry.name)} in {self._shown}")
            else:
                failure = self._failure(f"read {printable(entry.name)} in", done.status, reason)
                if isinstance(failure, AccessError) and entry.name in said:
                    failure.hint = "check the owner and mode of the file there"
                yield entry, failure

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        with tempfile.TemporaryDirectory(dir=temporary.directory(self._state)) as directory:
            [(_, path)] = self.fetch([Entry(name, -1)], directory)
            if isinstance(path, CrdtctlError):
                raise path
            with open(path, "rb") as file:
                while block := file.read(_BLOCK):
                    write(block)

    def put(self, name: str, path: str) -> None:
        target = f"{self._place}{checked_name(name)}"
        if not self._can_rename():
            self._expect(self._run("copyto", "--ignore-times", "--", path, target), "write in")
            return
        self._put_as_a_whole(path, target)
        self._sweep()

    def _put_as_a_whole(self, path: str, target: str) -> None:
        """Put a file under another name, and rename it."""
        draft = new_draft()
        self._expect(self._run("copyto", "--no-check-dest", "--", path, f"{self._place}{draft}"), "write in")
        try:
            self._expect(self._run("moveto", "--ignore-times", "--", f"{self._place}{draft}", target), "write in")
        except CrdtctlError:
            with suppress(CrdtctlError):
                self.delete(draft)
            raise

    def _sweep(self) -> None:
        """Delete what syncs that were killed have left there a day ago or more, by the time that the listing shows."""
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
                raise self._incomprehensible(done) from None
        return self._renames

    def delete(self, name: str) -> None:
        self._delete([name])

    def _delete(self, names: Sequence[str]) -> None:
        # As a list, also of one: a single file that is not there would be an error like any other.
        lines = "".join(f"{checked_name(name)}\n" for name in names).encode()
        done = self._run("delete", "--files-from-raw=-", "--", self._place, stdin=lines)
        if done.status not in _GONE:
            self._expect(done, f"delete {printable(names[0])} in")

    def _run(self, *command: str, stdin: bytes = b"") -> _Done:
        left = self._deadline.remaining()
        times = (f"--contimeout={min(_CONNECT, left):.3f}s", f"--timeout={min(_ANSWER, left):.3f}s")
        called = ["rclone", *_OPTIONS, *times, *command]
        done = self._runner.run(called, stdin=stdin, environment=environment_changes())
        last_lines, of_files = _read_log(done.errors)
        return _Done(done.status, as_utf8(done.output), last_lines or done.last_lines, of_files)

    def _expect(self, done: _Done, doing: str) -> None:
        """Raise what rclone ended with, unless it succeeded."""
        if done.status:
            raise self._failure(doing, done.status, done.last_lines)

    def _failure(self, doing: str, status: int, said: str) -> CrdtctlError:
        message = f"cannot {doing} {self._shown}: {one_line(said)}"
        words = _QUOTED.sub("", said)
        for pattern, kind, hint in _SAYINGS:
            if re.search(pattern, words, re.IGNORECASE):
                return kind(message, hint)
        if status == _PASSING:
            return TransientError(message, "try again")
        return UnavailableError(message, f"does 'rclone lsf {shlex.quote(printable(self._place))}' work?")

    def _incomprehensible(self, done: _Done) -> UnavailableError:
        said = one_line(done.output[:_SHOWN].decode("utf-8", "replace"))
        message = f"rclone printed no JSON of {self._shown}, but '{said}'"
        return UnavailableError(message, "it must be rclone 1.60 or later, and print nothing else")


def _seconds(when: str, unknown: float) -> float:
    """Return a time as rclone prints it, in seconds; `unknown` if it is none.

    >>> _seconds("1970-01-01T00:00:01.000000002Z", 9.0), _seconds("", 9.0)
    (1.0, 9.0)
    """
    try:
        return datetime.fromisoformat(when).timestamp()
    except ValueError:
        return unknown


def _read_log(text: str) -> tuple[str, dict[str, str]]:
    """Return what rclone said last, and what it said of single files, from its log: JSON lines, the last may be plain.

    >>> _read_log('{"level":"error","msg":"object not found","object":"a"}\\n2022/01/02 03:04:05 Failed to copy: gone')
    ('Failed to copy: gone', {'a': 'object not found'})
    """
    errors, plain, of_files = [""], [], {}
    for line in text.splitlines():
        if not line.startswith("{"):
            plain.append(_STAMP.sub("", line))
            continue
        with suppress(msgspec.MsgspecError):  # it may be cut
            said = msgspec.json.decode(line, type=_Said)
            if said.level not in ("debug", "info", "notice", "warning"):
                errors.append(said.msg)
                of_files[said.object] = said.msg
    of_files.pop("", None)
    return " ".join(plain).strip() or errors[-1], of_files
