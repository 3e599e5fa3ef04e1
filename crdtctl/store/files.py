"""The directory of a replica, opened: its files, its locks, and the errors that come of them."""

from __future__ import annotations

import time

from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import InMemory, assemble
from crdtctl.codec.reader import Source
from crdtctl.contexts import contextmanager, suppress
from crdtctl.crdt.histories import parse
from crdtctl.errors import (
    AccessError,
    BusyError,
    CrdtctlError,
    DataError,
    MissingError,
    OutcomeUnknownError,
    RefusedError,
    StorageError,
    from_os,
    printable,
)
from crdtctl.records import replace
from crdtctl.store import binding, durable
from crdtctl.store.durable import (
    KNOWN,
    MAX_OWN_BYTES,
    OWN,
    RECENT,
    VERIFY_BELOW,
    Draft,
    ForeignLink,
    NotApplied,
    OnDisk,
    close,
    is_same_file,
    open_all,
    open_directory,
    open_lock,
    open_own,
    open_state,
    read_all,
    try_lock,
)
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from crdtctl.codec.header import Head
    from crdtctl.codec.layout import Pages
    from crdtctl.store.own_file import OwnFile

_POLL = 0.005
#: What the first own.recent.json records, which is written before the first own.json that has one: no own.json at all.
_NO_BASE = "000000000000 1 1 00000000"


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
        """Read and verify ``own.json``, with the changes in ``own.recent.json``."""
        from crdtctl.store.own_file import OwnFile  # only here: a reader does without

        name = f"{OWN}.json"
        with translating_os_errors(f"read {self.file(name)}"):
            try:
                fd, beside = open_own(self.fd)
            except FileNotFoundError:
                raise no_replica(self.path) from None
            try:
                self._regular(fd, name, MAX_OWN_BYTES)
                own = OwnFile(read_all(fd), self.file(name))
                head = own.source.head
                recent = self._recent(beside)
                if recent is not None:
                    own = own.with_recent(recent)
                own.identity_fault = binding.fault(fd, head.binding, head.witness, own.writes)
                if head.base and not own.identity_fault:
                    own.identity_fault = (
                        "incomplete"
                        if beside is None or recent is None
                        else binding.fault(beside, recent.head.binding, "", 0)
                    )
            finally:
                close(fd)
                if beside is not None:
                    close(beside)
        return own

    def _recent(self, fd: int | None) -> Source | None:
        """Return the open ``own.recent.json``, verified; None without one."""
        if fd is None:
            return None
        from crdtctl.store.joined import recent_source

        name = f"{OWN}{RECENT}"
        self._regular(fd, name, MAX_OWN_BYTES)
        return recent_source(fd, self.file(name))

    @contextmanager
    def own_source(self) -> Iterator[Source]:
        """Open ``own.json``, with the changes in ``own.recent.json``. A small file is verified as a whole."""
        with self._sources(known=False) as (own, _):
            yield own

    @contextmanager
    def known_source(self) -> Iterator[Source | None]:
        """Open ``known.json``; None if nothing was learned yet."""
        with self._source(f"{KNOWN}.json", "known") as source:
            yield source

    @contextmanager
    def both_sources(self) -> Iterator[tuple[Source, Source | None]]:
        """Open both states as they were at one moment; small files are verified."""
        with self._sources(known=True) as pair:
            yield pair

    @contextmanager
    def recent_source(self) -> Iterator[Source | None]:
        """Open ``own.recent.json`` alone, whether it belongs to ``own.json`` or not; None without one."""
        with self._source(f"{OWN}{RECENT}", "recent") as source:
            yield source

    @contextmanager
    def _sources(self, *, known: bool) -> Iterator[tuple[Source, Source | None]]:
        try:
            opened = open_all(self.fd, known=known)
        except FileNotFoundError:
            raise no_replica(self.path) from None
        except OSError as error:
            raise from_os(error, f"read {self.file(str(error.filename or 'own.json'))}") from error
        try:
            yield (
                self._own_source_of(opened[0], opened[1]),
                None if opened[2] is None else self._source_of(opened[2], f"{KNOWN}.json", "known"),
            )
        finally:
            for fd in opened:
                if fd is not None:
                    close(fd)

    def _own_source_of(self, fd: int, beside: int | None) -> Source:
        with translating_os_errors(f"read {self.file('own.json')}"):
            own = self._source_of(fd, f"{OWN}.json", "own")
            if not own.head.base:
                return own
            from crdtctl.store.joined import joined, missing

            recent = self._recent(beside)
            if recent is None:
                raise missing(self.file(f"{OWN}{RECENT}"))
            return joined(own, recent)

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
        last: Sequence[str] = (),
        periods: bool = False,
        is_notice: bool = False,
    ) -> None:
        """Replace ``own.json``: after commit `seq`, it has these `lines` of counters.

        `tags` is its history of export markers, and `follows` are its positions in followed files, if that is new.
        `last` has the effects of the commit, see `crdtctl.store.last`; without a new commit, they stay.
        With `periods`, an entry on the lines may have settings of periods. `is_notice`: it forgets or renames counters.
        Raise `RefusedError` for a file above the size limit.
        """
        old = own.source.head
        history = {own.id: tags} if tags else old.histories
        clock = {own.id: seq} if seq else {}
        head = replace(
            old,
            clock=clock,
            histories=history,
            follows=old.follows if follows is None else follows,
            last=tuple(last) if seq > own.seq else old.last,
            base="",
            periods=old.periods or periods,
            received={own.id: seq} if is_notice else old.received,
        )
        count = (parse(tags) if tags else own.history).count
        recent = own.recent(lines)
        if recent:
            self._write_recent(lock, head, *recent)
            binding.write_witness(old.witness, seq + count, count if tags else None)
            return
        if old.witness and len(own.data) + sum(map(len, lines.values())) >= durable.LARGE:
            head = replace(head, base=os.urandom(6).hex())
            if not old.base:
                self._write_recent(lock, old, _NO_BASE, [])
        if not head.base:
            self._write_whole(lock, own, lines, head)
            binding.write_witness(old.witness, seq + count, count if tags else None)
            return
        from crdtctl.store.recent import described  # before the commit: no failure may follow it

        data = self._write_whole(lock, own, lines, head)
        binding.write_witness(old.witness, seq + count, count if tags else None)
        with suppress(CrdtctlError):  # this commit is done, and the next one can begin without this file
            self._write_recent(lock, head, described(head.base, data), [])

    def _write_whole(self, lock: int, own: OwnFile, lines: Mapping[str, bytes], head: Head) -> bytes:
        """Replace ``own.json``. Return its new content if it has an ``own.recent.json``."""
        pieces: list[bytes | memoryview] = []

        def fill(draft: Draft) -> bool:
            is_file = binding.of(draft.fd, lasting=binding.is_lasting(own.source.head.binding))
            pieces.extend(own.edited(lines, replace(head, binding=is_file)))
            if sum(map(len, pieces)) > MAX_OWN_BYTES:
                raise RefusedError(
                    f"own.json would be larger than {MAX_OWN_BYTES} bytes",
                    "begin another replica, and merge this one there",
                )
            draft.write_all(pieces)
            return True

        self.write(OWN, lock, fill)
        return b"".join(pieces) if head.base else b""

    def _write_recent(self, lock: int, head: Head, base: str, lines: Sequence[bytes]) -> None:
        """Replace ``own.recent.json``."""

        def fill(draft: Draft) -> bool:
            is_file = binding.of(draft.fd, lasting=binding.is_lasting(head.binding))
            draft.write(assemble(encode_head(replace(head, kind="recent", base=base, binding=is_file)), lines))
            return True

        self.write(OWN, lock, fill, RECENT)

    def drop_recent(self) -> None:
        """Delete an ``own.recent.json`` that does not belong to ``own.json``. If that fails, it is ignored there."""
        with suppress(OSError):
            os.unlink(f"{OWN}{RECENT}", dir_fd=self.fd)

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
