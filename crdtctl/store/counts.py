"""The journal of counts: one line for each commit, for people. A replica keeps it if its settings ask for that.

A line has the time (``at``), the id of the ``replica``, the number of the ``commit``, its effects (``counts``, the
texts of `crdtctl.store.last`), its idempotency ``keys``, a ``note``, and the number of the commit that it took back
(``undoes``). For a commit of many counters, it has their number in place of the texts.

A line is added after the commit is in place. If the process is killed in between, the commit has no line, and its
counts are exact all the same. A line of a commit that never was could be taken back, which would be wrong.

The line of a commit that takes another one back is added before it, and is on disk first. Otherwise a process that is
killed in between, or a full disk, would let a commit be taken back twice. If that commit is never made, its number is
above that of the last commit, or a later line has the same number: of the lines with one number, the last one is
right. If that later line is missing as well, the commit counts as taken back: crdtctl then refuses to take it back,
and never does so twice.
"""

from __future__ import annotations

from crdtctl.errors import from_os
from crdtctl.records import NamedTuple
from crdtctl.store import journal, last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from crdtctl.store.commit import Request
    from crdtctl.store.files import Directory
    from crdtctl.store.undo import Undone

#: Maximum number of characters of a note.
MAX_NOTE = 1000
#: Maximum number of idempotency keys on a line.
_MAX_KEYS = 100


class JournalEntry(NamedTuple):
    """One commit in the journal: its time and number, its effects, its keys and its note.

    `requests` is the number of its counts. If they are many, `effects` is empty. `undoes` is the number of the
    commit that it took back, or 0.
    """

    at: str
    commit: int
    effects: tuple[last.Effect, ...]
    requests: int
    keys: tuple[str, ...] = ()
    note: str = ""
    undoes: int = 0


def record(
    directory: Directory,
    replica: str,
    commit: int,
    texts: Sequence[str],
    requests: Sequence[Request],
    note: str,
    undoes: Undone | None = None,
) -> None:
    """Add a commit to the journal. The lock of ``own.json`` is held.

    Raise `StorageError` if it takes a commit in the journal back, and its line cannot be written.
    """
    facts: dict[str, Any] = {"replica": replica, "commit": commit, "requests": len(requests)}
    if texts:
        facts["counts"] = list(texts)
    keys = dict.fromkeys(one.operation.once for one in requests[:_MAX_KEYS] if one.operation.once is not None)
    if keys:
        facts["keys"] = list(keys)
    if note:
        facts["note"] = note
    if undoes is not None:
        facts["undoes"] = undoes.commit
    if undoes is not None and undoes.is_recorded:
        try:
            journal.append(directory, journal.COUNTS, facts, is_durable=True)
        except OSError as error:
            raise from_os(error, f"write {directory.file('counts.jsonl')}") from None
    else:
        journal.add(directory, journal.COUNTS, facts)


def read(directory: Directory, replica: str, seq: int) -> list[JournalEntry]:
    """Return the commits of a replica in its journal, up to the number `seq` of its last one, oldest first.

    Lines that are not understood are left out. The commits of an earlier id, before this replica was a copy, belong to
    the original.
    """
    found: dict[int, JournalEntry] = {}
    for entry in _entries(directory, replica):
        if entry.commit <= seq:
            found.pop(entry.commit, None)
            found[entry.commit] = entry
    return [*found.values()]


def _entries(directory: Directory, replica: str) -> Iterator[JournalEntry]:
    for line in journal.read(directory, journal.COUNTS):
        if line.get("replica") != replica:
            continue
        commit, requests, undoes = (line.get(name, 0) for name in ("commit", "requests", "undoes"))
        texts, keys, note = line.get("counts", []), line.get("keys", []), line.get("note", "")
        if all(type(number) is int for number in (commit, requests, undoes)) and _are_texts(texts, keys, [note]):
            effects = tuple(filter(None, map(last.parse, texts)))
            if len(effects) == len(texts):
                yield JournalEntry(line["at"], commit, effects, requests, tuple(keys), note, undoes)


def _are_texts(*several: object) -> bool:
    return all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in several)
