"""Rename a counter: one item in the row of this replica on the line of renames, in one commit of ``own.json``."""

from __future__ import annotations

from crdtctl.codec.lines import encode_line
from crdtctl.contexts import ExitStack
from crdtctl.crdt import TYPES, renames
from crdtctl.crdt.counter import without_forgotten
from crdtctl.crdt.names import MEMBERSHIP_LINE, bare_fault, counter_advice, entered
from crdtctl.crdt.renames import RENAMES
from crdtctl.errors import MissingError, RefusedError, UsageError, printable
from crdtctl.store import journal
from crdtctl.store.hidden import hide_absorbed
from crdtctl.store.renamed import RenamedCounters, renames_in
from crdtctl.store.type_choice import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.transaction import Transaction


def rename(tx: Transaction, old: str, new: str) -> bool:
    """Let the name `old` lead to `new`, for all readers. With equal names, `old` is not an alias any more.

    Return whether that changes anything. Raise `UsageError` for a wrong name, `MissingError` for an unknown counter,
    and `RefusedError` for types that cannot be read together.
    """
    old, new = checked_name(old), checked_name(new)
    with tx.lock_own() as own, ExitStack() as stack:
        if own.source.has(MEMBERSHIP_LINE):
            from crdtctl.store.retirement import refuse_sealed

            refuse_sealed(own.source)
        known = stack.enter_context(tx.known())
        if known:
            known.verify()
            hide_absorbed(own.source, known)
        counters = RenamedCounters([one for one in (own.source, known) if one is not None])
        if not _is_news(counters, old, new):
            return False
        row = renames_in(own.source).get(own.id, RENAMES.record.bottom)
        row = renames.renaming(row, own.seq + 1, counters.aliases, own.id, old, new)
        line = encode_line(renames.NAME, {RENAMES.tag: {own.id: row}})
        commit = tx.write_own(own, {renames.NAME: line}, last=(f"rename {old}",), is_notice=True)
        journal.note(tx.directory, "renamed counter", commit=commit, old=old, new=new)
    return True


def checked_name(text: str) -> str:
    """Return a name without labels in normal form C; raise `UsageError`."""
    if not isinstance(text, str):
        raise UsageError(f"a name is text, not {type(text).__name__}")
    text = entered(text)
    fault = bare_fault(text)
    if fault is None:
        return text
    if "{" in text:
        raise UsageError(
            f"'{printable(text[:80])}' has labels; all series of a name are renamed together",
            "give the names without labels",
        )
    raise UsageError(f"{fault}: '{printable(text[:80])}'", counter_advice(text))


def _is_news(counters: RenamedCounters, old: str, new: str) -> bool:
    """Return whether a rename changes anything. Raise `MissingError`, `UsageError` or `RefusedError`."""
    aliases = counters.aliases
    is_alias = aliases.target(old) != old
    before, after = _types(counters, old), _types(counters, new)
    if not before and not is_alias:
        raise MissingError.of_counter(old, f"no counter '{printable(old)}' here", "merge a state that has it first")
    held = aliases.renames.get(old)
    holds = held[0].new if held else old
    if holds == new and is_alias == (holds != old):
        return any(old in (conflict.lost.old, conflict.held.old) for conflict in aliases.conflicts)
    for tag in sorted(before | after):
        if not TYPES[tag].can_be_renamed:
            called, (reason, advice) = old if tag in before else new, TYPES[tag].why_not_renamed
            raise RefusedError(
                f"'{printable(called)}' is {kinds([tag])}, whose counters cannot be renamed: {reason}", advice
            )
    if before and after and before != after and new != old:
        raise RefusedError(
            f"'{printable(old)}' is {kinds(sorted(before))}, and '{printable(new)}' is {kinds(sorted(after))}: they "
            "cannot be read as one",
            "take another name",
        )
    return True


def _types(counters: RenamedCounters, name: str) -> set[str]:
    """Return the types of all counters that are read under a name, with and without labels, and of its own ones.

    Forgotten counters are left out.
    """
    return {
        tag
        for one in {name, *counters.aliases.group(name)}
        for _, counter in counters.of_name(one)
        for tag in without_forgotten(counter)
    }
