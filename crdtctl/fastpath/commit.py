"""The plain commits: the lines of a few counters are replaced in the file of this replica's own entries."""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE, TRAILER_SIZE, InMemory, is_whole, search, trailer_of
from crdtctl.store import binding, durable, locate
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol, TypeAlias

    #: Header, reason why it may be a copy, membership line, the counters' lines, the lines before, between and after
    #: them, other lines by name, and the maximum size of all lines.
    _Found: TypeAlias = tuple[
        plain.OwnHeader, str, bytes, Sequence[bytes], Sequence[bytes | memoryview], Mapping[bytes, bytes], int
    ]

    class Edit(Protocol):
        """The change of one counter by a command. A search takes its `name`, without escapes.

        It may depend on the `bare` counter of this replica that has the name without labels; empty: on none.
        """

        name: bytes
        bare: bytes

        def line(self, old: bytes, header: plain.OwnHeader, others: "Others") -> tuple[bytes, bytes] | None:
            """Return the line of the counter after the next commit, and the effect of that, as the header has it.

            None means that nothing changes. Raise ValueError if the line is special.
            """


#: Time in seconds to try for the lock. Then the full command waits, as long as it is configured to.
_PATIENCE = 0.1
_POLL = 0.001


class Others:
    """Other lines, as far as a commit depends on them. With `periods`, ``known.json`` may have settings of periods.

    `own` has lines of this replica, by name. With the line of renames, several names may be one counter.
    """

    def __init__(self, directory: int, membership: bytes, own: "Mapping[bytes, bytes]") -> None:
        self._directory = directory
        self._membership = membership
        self.own = own
        self.periods = plain.has_periods(durable.opening(directory, "known.json", plain.OPENING))

    def known(self, name: bytes, *, verified: bool = False) -> bytes:
        """Return the line of a counter in ``known.json``, `verified` if asked for; empty without it, or the file."""
        from crdtctl.fastpath.finding import find  # only here: a plain count depends on nothing there

        if self._membership:
            raise ValueError  # it may have absorbed replicas whose entries are in the other file
        if plain.RENAMES in self.own:
            raise ValueError  # lines of other names may have to be read as well
        try:
            fd = durable.open_state(self._directory, "known.json")
        except FileNotFoundError:
            return b""
        try:
            if verified and os.fstat(fd).st_size > durable.VERIFY_BELOW:
                raise ValueError  # `find` does not verify a file of this size
            return find(fd, "heard", name, alone=False)
        finally:
            durable.close(fd)


def commit(edits: "Sequence[Edit]", where: str | None) -> int | None:
    """Carry out edits of different counters as one commit, and return the exit status; None if nothing was done."""
    directory = durable.open_directory(locate.find(where))
    try:
        os.stat("own.json", dir_fd=directory)  # no lock file is made in a directory without a replica
        lock = durable.open_lock(directory, durable.OWN)
        try:
            if not _lock_soon(lock) or not durable.is_same_file(directory, "own.lock", lock):
                return None
            return _commit(directory, lock, edits)
        finally:
            durable.close(lock)  # releases the lock, or the full command would wait for it
    finally:
        durable.close(directory)


def _lock_soon(lock: int) -> bool:
    if durable.try_lock(lock):
        return True
    import time  # only here: a lock is rarely held

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        time.sleep(_POLL)
        if durable.try_lock(lock):
            return True
    return False


def _commit(directory: int, lock: int, edits: "Sequence[Edit]") -> int | None:
    if durable.may_set(directory, b"journal"):
        return None  # the full command records the counts
    fd = durable.open_state(directory, "own.json")
    try:
        ending = durable.RECENT if durable.has_recent(fd) else ".json"
        names, more = [edit.name for edit in edits], [edit.bare for edit in edits if edit.bare]
        header, fault, sealed, old, between, own, limit = (
            _in_recent(directory, fd, names, more) if ending == durable.RECENT else _in_own(fd, names, more)
        )
    finally:
        durable.close(fd)
    if fault:
        return None  # this replica was copied, or its backup was restored
    if header.seq >= MAX_SAFE or plain.may_be_sealed(sealed, header.replica):
        return None
    if header.periods and plain.RENAMES in own:
        return None  # the settings of another name may hold for a counter
    others = Others(directory, sealed, own)
    done = [edit.line(line, header, others) or (line, b"") for edit, line in zip(edits, old, strict=True)]
    if not any(effect for _, effect in done):
        return 0
    header.last = _last([effect for _, effect in done if effect])
    header.seq += 1
    witness, writes = header.witness.decode(), header.seq + header.exports
    body = [between[0]]
    for (line, _), after in zip(done, between[1:], strict=True):
        body += (line, after)
    if sum(map(len, body)) > limit:
        return None
    draft = durable.Draft(directory, durable.OWN, lock, ending)
    try:
        lasting = binding.is_lasting(header.bound.decode())
        header.bound = binding.of(draft.fd, lasting=lasting).encode()
        pieces = [header.encode(), *body]
        pieces.append(trailer_of(pieces))
        draft.write_all(pieces)
        draft.commit()
    except OSError as error:
        if draft.is_renamed:
            return _unknown(error)
        raise
    finally:
        draft.abandon()
    binding.write_witness(witness, writes)
    return 0


def _last(texts: "Sequence[bytes]") -> bytes:
    """Return the effects of a commit as text, as `crdtctl.store.last.texts_of` does. The names are sorted."""
    size = sum([len(text.replace(b'\\"', b'"')) for text in texts])
    return b'","'.join(texts) if size <= plain.MAX_EFFECTS and len(texts) <= plain.MOST_EFFECTS else b""


def _in_own(fd: int, names: "Sequence[bytes]", more: "Sequence[bytes]") -> "_Found":
    """Find counters, by sorted names, in the open own.json, which is verified; raise ValueError if it is special."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > durable.MAX_OWN_BYTES:
        raise ValueError
    data = durable.read_all(fd)
    if not is_whole(data):
        raise ValueError
    header = plain.read_own_header(plain.header_line(data))
    bound, witness = header.bound.decode(), header.witness.decode()
    if witness and status.st_size >= durable.LARGE:
        raise ValueError  # the full command gives it an own.recent.json
    fault = binding.fault(fd, bound, witness, header.seq + header.exports)
    start, end = len(header.encode()), len(data) - TRAILER_SIZE
    pages, text = InMemory(data), memoryview(data)
    first, last = search(pages, start, end, plain.RESERVED)
    sealed = data[first:last]
    own = {name: data[slice(*search(pages, start, end, name))] for name in more}
    if data.startswith(b'"=', start):  # most replicas have no reserved line
        first, last = search(pages, start, end, plain.RENAMES)
        own.update({plain.RENAMES: data[first:last]} if first < last else {})
    lines: list[bytes] = []
    between: list[bytes | memoryview] = []
    for name in names:
        first, last = search(pages, start, end, name)
        between.append(text[start:first])
        lines.append(data[first:last])
        start = last
    return header, fault, sealed, lines, [*between, text[start:end]], own, durable.MAX_OWN_BYTES


def _in_recent(directory: int, fd: int, names: "Sequence[bytes]", more: "Sequence[bytes]") -> "_Found":
    """Find a counter in own.recent.json, or in the open own.json; raise ValueError if one of them is special."""
    from crdtctl.store import recent  # only here: small replicas have no such file

    (name,) = names  # ValueError: several lines may be in both files
    beside = durable.open_state(directory, f"{durable.OWN}{durable.RECENT}")
    try:
        pair = recent.Pair(fd, beside)
        line, around = pair.line(name), pair.around(name)
        own = {name: pair.line(name) for name in more}
        renames = pair.line(plain.RENAMES)
        own.update({plain.RENAMES: renames} if renames else {})
        return pair.header, pair.fault(), pair.line(plain.RESERVED), [line], around, own, recent.MAX_LINES
    finally:
        durable.close(beside)


def _unknown(error: OSError) -> int:
    try:
        from crdtctl.cli.main import fail
        from crdtctl.store.files import outcome_unknown

        return fail(outcome_unknown("own.json", error))
    except Exception:  # noqa: BLE001  # even without a message, this must not be declined: it would count twice
        return 76
