"""The journal of counts, as a report: a row for each counter of each commit."""

from __future__ import annotations

import time

from crdtctl.cli import output
from crdtctl.cli.output import Report
from crdtctl.cli.time_ranges import within
from crdtctl.crdt.series import name_of
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.cli.output import Item
    from crdtctl.store.counts import JournalEntry
    from crdtctl.store.reader import Reader

_COLUMNS = ("commit", "at", "name", "what", "key", "note", "undone_by")


def print_counts(
    replica: Reader,
    names: Sequence[str],
    number: int | None,
    form: str | None,
    since: str | None = None,
    until: str | None = None,
) -> None:
    """Print the journal of counts: the last commits, with a `number`, of some counters, or of all without names.

    `since` and `until` are the times of the command line, see `crdtctl.cli.time_ranges`.
    """
    chosen = output.resolve_format(form)
    entries = replica.journal()
    if not entries:
        output.print_message('no counts are recorded; set journal = "counts" in config.toml, and later ones are')
    commits = selected(within(entries, lambda entry: entry.at, since, until, time.time()), names)
    output.print_report(report(commits[-number:] if number else commits, entries), chosen)


def report(entries: Sequence[JournalEntry], journal: Sequence[JournalEntry]) -> Report:
    """Return the report of commits, oldest first, from a whole `journal`. Each item is a commit."""
    undone = {entry.undoes: entry.commit for entry in journal if entry.undoes}
    return Report("commits", _COLUMNS, [_item(entry, undone.get(entry.commit)) for entry in entries], _rows)


def selected(entries: Sequence[JournalEntry], names: Sequence[str]) -> Sequence[JournalEntry]:
    """Return the commits that counted one of some counters, with these counts alone; all commits without names."""
    if not names:
        return entries
    wanted = set(names)
    found = []
    for entry in entries:
        done = tuple(one for one in entry.effects if one.name in wanted or name_of(one.name) in wanted)
        if done:
            found.append(entry._replace(effects=done))
    return found


def _item(entry: JournalEntry, undone_by: int | None) -> Item:
    counts = [
        {"name": printable(one.name), **({"did": one.word} if one.word else {"amount": one.amount})}
        for one in entry.effects
    ]
    item: Item = {"commit": entry.commit, "at": printable(entry.at), "counts": counts}
    if not counts:
        item["requests"] = entry.requests
    if entry.keys:
        item["keys"] = [printable(key) for key in entry.keys]
    if entry.note:
        item["note"] = printable(entry.note)
    if entry.undoes:
        item["undoes"] = entry.undoes
    if undone_by is not None:
        item["undone_by"] = undone_by
    return item


def _rows(item: Item) -> Iterator[Sequence[object]]:
    rest = (", ".join(item.get("keys", [])), item.get("note", ""), item.get("undone_by", ""))
    for one in item["counts"]:
        what = f"undo {item['undoes']}" if "undoes" in item else one.get("did") or f"{one['amount']:+d}"
        yield item["commit"], item["at"], one["name"], what, *rest
    if not item["counts"]:
        yield item["commit"], item["at"], "", f"{item['requests']} counts", *rest
