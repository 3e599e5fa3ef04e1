"""The directory of a replica, opened: its files, its locks, and the errors that come of them."""

from __future__ import annotations

import time

from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import HEAD_END, InMemory, assemble, search, trailer_of
from crdtctl.codec.reader import Source
from crdtctl.contexts import contextmanager
from crdtctl.crdt.forks import History, parse
from crdtctl.errors import (
    AccessError,
    BusyError,
    DataError,
    MissingError,
    OutcomeUnknownError,
    RefusedError,
    StorageError,
    from_os,
    printable,
)
from crdtctl.records import replace
from crdtctl.store import binding
from crdtctl.store.durable import (
    KNOWN,
    MAX_OWN_BYTES,
    OWN,
    VERIFY_BELOW,
    Draft,
    ForeignLink,
    NotApplied,
    OnDisk,
    close,
    is_same_file,
    open_both,
    open_directory,
    open_lock,
    open_state,
    read_all,
    try_lock,
)
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from crdtctl.codec.header import Head
    from crdtctl.codec.layout import Pages
    from crdtctl.crdt.counter import Counter
    from crdtctl.errors import (
        CrdtctlError,
    )

_POLL = 0.005
#: If a commit has more counters, reading all lines is faster than looking them up one by one.
MANY = 32


class OwnFile:
    """The content of ``own.json``. `identity_fault` is the reason why its id may belong to a copy as well, or empty."""

    def __init__(self, data: bytes, label: str = "own.json", identity_fault: str = "") -> None:
        self.data = data
        self.identity_fault = identity_fault
        self._lines: dict[bytes, bytes] | None = None
        self.source = Source(InMemory(data), len(data), label=label, ours=True)
        self.source.verify()
        head = self.source.head
        if head.kind != "own" or set(head.clock) - {head.replica}:
            raise self.source.invalid("it is not the state of one replica")
        self.id = head.replica

    @property
    def seq(self) -> int:
        """The number of this replica's last commit; 0 before the first."""
        return self.source.head.clock.get(self.id, 0)

    @property
    def tier(self) -> int:
        """The tier of this replica; 0 if it is permanent."""
        return self.source.head.tier

    @property
    def history(self) -> History:
        """The departures of this replica."""
        text = self.source.head.histories.get(self.id)
        return parse(text) if text else History()

    @property
    def writes(self) -> int:
        """How often the file was written, as its witness counts."""
        return self.seq + self.history.count

    def lines(self) -> dict[bytes, bytes]:
        """Return all lines by name. They are read once."""
        if self._lines is None:
            self._lines = dict(self.source.lines())
        return self._lines

    def counters(self, many: bool) -> Callable[[str], Counter]:
        """Return a function that looks counters up. For `many`, all lines are read first."""
        if not many:
            return self.source.counter
        lines = self.lines()

        def look_up(name: str) -> Counter:
            line = lines.get(name.encode())
            return {} if line is None else self.source.decode(line)[1]

        return look_up

    def edited(self, lines: Mapping[str, bytes], new: Head) -> list[bytes | memoryview]:
        """Return the pieces of the file with the header `new` and these counters' `lines`."""
        head = encode_head(new)
        edits = sorted((name.encode(), line) for name, line in lines.items())
        if len(edits) > MANY:
            together = {**self.lines(), **dict(edits)}
            return [assemble(head, [together[name] for name in sorted(together)])]
        if not edits and self.source.start == self.source.end:
            return [assemble(head, [])]
        pieces = [head + HEAD_END, *self._spliced(edits), b"\n"]
        return [*pieces, trailer_of(pieces)]

    def _spliced(self, edits: list[tuple[bytes, bytes]]) -> Iterator[bytes | memoryview]:
        """Yield the counters' lines with the edits in their places, most of it as it stands."""
        data, source = memoryview(self.data), self.source
        end = max(source.end - 1, source.start)  # without the last line feed
        position = source.start
        separator = b""
        for name, line in edits:
            start, stop = search(source.pages, source.start, source.end, name)
            is_there = stop > start
            start = min(start, end)
            if start > position:
                yield separator
                yield data[position:start]
                separator = b",\n" if start == end else b""  # a line that is not the last brings its own
            yield separator
            yield line
            separator = b",\n"
            position = stop + len(separator) if is_there else start
        if position < end:
            yield separator
            yield data[position:end]


class Directory:
    """The open directory of a replica. The constructor raises `MissingError` if it does not exist."""

    def __init__(self, path: str) -> None:
        self.path = path
        with translating_os_errors(f"open replica {printable(path)}"):
            try:
                self.fd = open_directory(path)
            except FileNotFoundError:
                raise _not_mounted(path) if os.path.islink(path) else no_replica(path) from None
            except ForeignLink:
                raise AccessError(
                    f"{printable(path)} is a symbolic link that another user made", "name the directory that it is for"
                ) from None

    def close(self) -> None:
        """Close the directory."""
        close(self.fd)

    def file(self, name: str) -> str:
        """Return the path of one of the files, for messages."""
        return printable(f"{self.path}/{name}")

    def read_own(self) -> OwnFile:
        """Read and verify ``own.json``."""
        name = f"{OWN}.json"
        with translating_os_errors(f"read {self.file(name)}"):
            try:
                fd = open_state(self.fd, name)
            except FileNotFoundError:
                raise no_replica(self.path) from None
            try:
                self._regular(fd, name, MAX_OWN_BYTES)
                data = read_all(fd)
                own = OwnFile(data, self.file(name))
                head = own.source.head
                own.identity_fault = binding.fault(fd, head.binding, head.witness, own.writes)
            finally:
                close(fd)
        return own

    @contextmanager
    def own_source(self) -> Iterator[Source]:
        """Open ``own.json``. A small file is verified as a whole."""
        with self._source(f"{OWN}.json", "own") as source:
            if source is None:
                raise no_replica(self.path)
            yield source

    @contextmanager
    def known_source(self) -> Iterator[Source | None]:
        """Open ``known.json``; None if nothing was learned yet."""
        with self._source(f"{KNOWN}.json", "known") as source:
            yield source

    @contextmanager
    def both_sources(self) -> Iterator[tuple[Source, Source | None]]:
        """Open both files as they were at one moment; small ones are verified."""
        try:
            own, known = open_both(self.fd)
        except FileNotFoundError:
            raise no_replica(self.path) from None
        except OSError as error:
            raise from_os(error, f"read {self.file(str(error.filename or 'own.json'))}") from error
        try:
            yield (
                self._source_of(own, f"{OWN}.json", "own"),
                None if known is None else self._source_of(known, f"{KNOWN}.json", "known"),
            )
        finally:
            close(own)
            if known is not None:
                close(known)

    @contextmanager
    def _source(self, name: str, kind: str) -> Iterator[Source | None]:
        with translating_os_errors(f"read {self.file(name)}"):
            try:
                fd = open_state(self.fd, name)
            except FileNotFoundError:
                fd = -1
        if fd < 0:
            yield None
            return
        try:
            yield self._source_of(fd, name, kind)
        finally:
            close(fd)

    def _source_of(self, fd: int, name: str, kind: str) -> Source:
        size = self._regular(fd, name, 2**63)
        pages: Pages = OnDisk(fd)
        if size <= VERIFY_BELOW:
            pages = InMemory(read_all(fd))
        source = Source(pages, size, label=self.file(name), ours=True)
        if source.head.kind != kind:
            raise source.invalid(f"its kind is {source.head.kind}")
        if size <= VERIFY_BELOW:
            source.verify()
        return source

    def _regular(self, fd: int, name: str, limit: int) -> int:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{self.file(name)} is not a regular file")
        if status.st_size > limit:
            raise DataError(f"{self.file(name)} is larger than {limit} bytes")
        return status.st_size

    @contextmanager
    def locked(self, which: str, timeout: float | None) -> Iterator[int]:
        """Hold the lock of one file; raise `BusyError` after `timeout` seconds (None: as configured)."""
        name = f"{which}.lock"
        deadline: float | None = None
        with translating_os_errors(f"open {self.file('own.json')}"):
            try:  # no lock file is made in a directory that is not a replica
                os.stat("own.json", dir_fd=self.fd, follow_symlinks=False)
            except FileNotFoundError:
                raise no_replica(self.path) from None
        while True:
            with translating_os_errors(f"open {self.file(name)}"):
                lock = open_lock(self.fd, which)
            try:
                with translating_os_errors(f"lock {self.file(name)}"):
                    free = try_lock(lock)
                if not free:
                    if deadline is None:
                        deadline = time.monotonic() + (self._lock_timeout() if timeout is None else timeout)
                    _wait(lock, deadline, self.file(name))
                if is_same_file(self.fd, name, lock):
                    yield lock
                    return
            finally:
                close(lock)

    def _lock_timeout(self) -> float:
        from crdtctl.store import config  # only here, and where a setting matters: a lock is rarely held

        return config.read(self.fd, self.file("config.toml")).lock_timeout

    def write_own(
        self,
        lock: int,
        own: OwnFile,
        lines: Mapping[str, bytes],
        seq: int,
        tags: str = "",
        follows: Mapping[str, str] | None = None,
    ) -> None:
        """Replace ``own.json``: after commit `seq`, it has these `lines` of counters.

        `tags` is its history of export markers, and `follows` are its positions in followed files, if that is new.
        Raise `RefusedError` for a file above the size limit.
        """
        old = own.source.head
        history = {own.id: tags} if tags else old.histories
        lasting = binding.is_lasting(old.binding)
        positions = old.follows if follows is None else follows

        def fill(draft: Draft) -> bool:
            is_file = binding.of(draft.fd, lasting=lasting)
            clock = {own.id: seq} if seq else {}
            head = replace(old, clock=clock, histories=history, binding=is_file, follows=positions)
            pieces = own.edited(lines, head)
            if sum(map(len, pieces)) > MAX_OWN_BYTES:
                raise RefusedError(
                    f"own.json would be larger than {MAX_OWN_BYTES} bytes",
                    "begin another replica, and merge this one there",
                )
            draft.write_all(pieces)
            return True

        self.write(OWN, lock, fill)
        count = (parse(tags) if tags else own.history).count
        binding.write_witness(old.witness, seq + count, count if tags else None)

    def write(self, which: str, lock: int, fill: Callable[[Draft], bool], ending: str = ".json") -> bool:
        """Replace a file by the draft that `fill` wrote, if `fill` returns true. Return that result.

        Nothing is changed on any error but `OutcomeUnknownError`.
        """
        path = self.file(which + ending)
        with translating_os_errors(f"write {path}"):
            draft = Draft(self.fd, which, lock, ending)
            try:
                wanted = fill(draft)
                if wanted:
                    draft.commit()
            except NotApplied:
                raise StorageError(
                    f"{self.file(f'{which}.lock')} was deleted or replaced while it was held",
                    "nothing was changed; find out what deletes it, and try again",
                ) from None
            except OSError as error:
                if not draft.is_renamed:
                    raise
                raise outcome_unknown(which + ending, error) from None
            finally:
                draft.abandon()
        return wanted


def _wait(lock: int, deadline: float, path: str) -> None:
    """Wait for a lock that another process holds."""
    from filelock import lock_descriptor  # only here: importing it takes longer than most commands

    while not lock_descriptor(lock, blocking=False):
        if time.monotonic() >= deadline:
            raise BusyError(f"{path} is held by another process", "nothing was changed; try again")
        time.sleep(_POLL)


def outcome_unknown(name: str, error: OSError) -> OutcomeUnknownError:
    """Return the error for a failure after the rename."""
    return OutcomeUnknownError(
        f"{name} was replaced, but cannot be made durable: {os.strerror(error.errno or 0)}",
        "try again with the same --once key, or look at the value first",
    )


def no_replica(path: str) -> CrdtctlError:
    """Return the error for a missing replica."""
    return MissingError(f"no replica at {printable(path)}", "make one with 'crdtctl init', or name one with --replica")


def _not_mounted(path: str) -> CrdtctlError:
    """Return the error for a link to a missing replica."""
    shown, there = printable(path), printable(os.readlink(path))
    return MissingError(f"{shown} is a symbolic link to {there}, which is not there", "is it mounted?")


@contextmanager
def translating_os_errors(doing: str) -> Iterator[None]:
    """Raise an `OSError` as a `CrdtctlError` whose message names the action `doing`."""
    try:
        yield
    except OSError as error:
        raise from_os(error, doing) from error
