"""Branches of a fork: their names, and reading their entries as those of one replica. See `crdtctl.crdt.forks`."""

from __future__ import annotations

from crdtctl.crdt.names import MAX_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    from crdtctl.crdt import lattice

    _Seen = TypeVar("_Seen")


def origin(author: str) -> str:
    """Return the id that a branch belongs to. Any other id is returned unchanged."""
    return author[: _end_of_id(author)] if "~" in author else author


def branch_markers(author: str) -> dict[int, str]:
    """Return the markers in the name of a branch: number of a marker → nonce."""
    if "~" not in author:
        return {}
    marks = [mark.split(".") for mark in author[_end_of_id(author) :].split("~")[1:]]
    return {int(number): nonce for number, nonce in marks}


def _end_of_id(author: str) -> int:
    """Return where the markers ``~NUMBER.NONCE`` at the end of a name begin."""
    from crdtctl.crdt.histories import is_nonce, is_number  # only here: few ids are those of branches

    end = len(author)
    while (start := author.rfind("~", 0, end)) >= 0:
        number, _, nonce = author[start + 1 : end].partition(".")
        if not (is_number(number) and is_nonce(nonce)):
            break
        end = start
    return end


def branch_name(author: str, found: Mapping[int, str]) -> str:
    """Return the name of the branch of `author` with these markers."""
    parts = [f"~{number}.{tag}" for number, tag in sorted(found.items())]
    while len(author.encode()) + sum(map(len, parts)) > MAX_BYTES:
        del parts[0]  # a fork of a fork of a fork …: the last markers still distinguish the branches
    return author + "".join(parts)


def merge_branches(record: lattice.Record, entries: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return entries with the branches of each id joined under the id."""
    if "~" not in "".join(entries):
        return entries
    joined: dict[str, Any] = {}
    for author, row in entries.items():
        replica = origin(author)
        joined[replica] = record.join_branches(joined[replica], row) if replica in joined else row
    return joined


def observed_resets(
    marks: Iterable[Mapping[str, _Seen]], join: Callable[[_Seen, _Seen], _Seen], under: Callable[[str], str] = origin
) -> dict[str, _Seen]:
    """Return the effect of all resets together: the join of their marks, with marks on a branch under its id.

    So a mark on an id applies to all its branches, even to branches that were unknown at the reset.
    """
    joined: dict[str, _Seen] = {}
    for found in marks:
        for name, seen in found.items():
            key = under(name)
            joined[key] = join(joined[key], seen) if key in joined else seen
    return joined
