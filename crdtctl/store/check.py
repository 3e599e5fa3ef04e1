"""Verify states and replicas: a finding for each file and each fault."""

from __future__ import annotations

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.reader import Source
from crdtctl.contexts import ExitStack, suppress
from crdtctl.crdt.membership import roster
from crdtctl.crdt.names import RENAMES_LINE
from crdtctl.errors import ConfigError, DataError, printable
from crdtctl.records import Record
from crdtctl.store import config, gone, journal
from crdtctl.store.commit import typed
from crdtctl.store.durable import KNOWN, NEW, OWN, RECENT
from crdtctl.store.files import Directory
from crdtctl.store.identity import OFTEN, REASONS, often
from crdtctl.store.inputs import open_input
from crdtctl.store.known_header import unsettled
from crdtctl.store.packed import each_state
from crdtctl.store.retirement import absorbed_twice, double_absorption, membership_of
from crdtctl.store.rights import holdings, made_twice
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.inputs import Input


#: Advice for a damaged file of a replica.
_ADVICE = (
    "restore the whole directory from one backup, or start an empty one and merge what another replica exports, "
    "see 'crdtctl help identity'"
)


class Finding(Record):
    """The result of one check of the file at `path`, in words."""

    path: str
    ok: bool
    found: str


def check_input(item: Input) -> list[Finding]:
    """Verify a state file; return a finding for each state in it."""
    findings = []

    def look(one: Input) -> None:
        with ExitStack() as stack:
            findings.append(Finding(printable(one.label), True, _described(open_input(one, stack))))

    def note(one: Input, fault: CrdtctlError) -> None:
        found = fault.reason if isinstance(fault, Invalid) else fault.message
        findings.append(Finding(printable(one.label), False, found))

    with ExitStack() as unpacked:
        each_state([item], look, note, unpacked)
    return findings


def check_replica(path: str) -> list[Finding]:
    """Verify the files of a replica. Raise an error that prevents reading them."""
    directory = Directory(path)
    try:
        findings = [
            _state(directory, OWN),
            _recent(directory),
            _binding(directory),
            _state(directory, KNOWN),
            _config(directory),
            *_oversold(directory),
            *_doubled(directory),
            *_renamed(directory),
            *_advised(directory),
            *_often(directory),
            *_journals(directory),
            *_lefts(directory),
        ]
        return [finding for finding in findings if finding is not None]
    finally:
        directory.close()


def _described(source: Source) -> str:
    count = source.check()
    replicas = len(source.head.clock)
    kind = "delta" if source.head.kind == "delta" else "state"
    return (
        f"{kind} of {count} counter{'' if count == 1 else 's'}, {replicas} replica{'' if replicas == 1 else 's'}, "
        f"{source.size} bytes; checksum, format, entries and clock are right"
    )


def _state(directory: Directory, which: str) -> Finding | None:
    name = directory.file(f"{which}.json")
    try:
        with directory.own_source() if which == OWN else directory.known_source() as source:
            if source is None:
                return None
            described = _described(source)
            fault = _stray(directory, which, source) or _forked(source)
            return Finding(name, not fault, fault or described)
    except Invalid as fault:
        where = fault.source.label if isinstance(fault.source, Source) else name
        return Finding(where, False, f"{fault.reason}; {_ADVICE}")
    except DataError as fault:
        return Finding(name, False, f"{fault.message}; {fault.hint or _ADVICE}")


def _recent(directory: Directory) -> Finding | None:
    """Describe the file with the latest changes of ``own.json``, if there is one."""
    with suppress(DataError):
        if ignored := ignored_changes(directory):
            return ignored
    with suppress(DataError), directory.own_source() as own:  # the check of own.json reports its damage
        if own.head.base:
            from crdtctl.store.joined import Joined

            count = sum(1 for _ in own.recent.lines()) if isinstance(own, Joined) else 0
            found = f"the latest changes of own.json: {count} counter{'' if count == 1 else 's'}"
            return Finding(directory.file(f"{OWN}{RECENT}"), True, found)
    return None


def ignored_changes(directory: Directory) -> Finding | None:
    """Describe an ``own.recent.json`` that was put back too late: ``own.json`` does not use it. None without one."""
    with directory.own_source() as own, directory.known_source() as known, directory.recent_source() as recent:
        if recent is None or own.head.base:
            return None
        author = recent.head.replica
        clock = own.head.clock if author == own.head.replica else known.head.clock if known else {}
        last, counted = recent.head.clock.get(author, 0), clock.get(author, 0)
        name = directory.file(f"{OWN}{RECENT}")
        if last <= counted:
            return Finding(name, True, "it is not used: its counts are in the other files; it may be deleted")
        return Finding(
            name,
            False,
            f"it is not used: own.json no longer belongs to it, so the commits {counted + 1} to {last} of {author} are "
            "not counted here; merge a state that has them, from another replica or a backup of the whole directory, "
            "see 'crdtctl help identity'",
        )


def _stray(directory: Directory, which: str, source: Source) -> str:
    """Return the fault of a replica's file that contains entries of the wrong replica; empty without a fault."""
    if which == OWN:
        for some in source.in_blocks():
            plain = source.plain_names(some, source.head.replica)
            for line in (line for name, line in some.items() if name not in plain):
                for authors in source.decode(line)[1].values():
                    if set(authors) != {source.head.replica}:
                        return "it holds entries of another replica"
        return ""
    with suppress(DataError), directory.own_source() as own:  # the check of own.json reports its damage
        mine = own.head.replica
        if mine in source.head.clock and all(past.replica != mine for past in source.head.past):
            return "it holds what should be in own.json alone"
    return ""


def _forked(source: Source) -> str:
    """Return the forks in a state that are not resolved, in words; empty without a fork."""
    return "; ".join(
        f"{fork.replica} had several writers since commit {fork.since}, see 'crdtctl settle --help'"
        for fork in unsettled(source.head)
    )


def _binding(directory: Directory) -> Finding | None:
    """Check whether ``own.json`` is the file that this replica wrote last."""
    try:
        own = directory.read_own()
    except DataError:
        return None  # the check of that file reports it
    found = "the file is the original, not a copy"
    if own.identity_fault:
        found = f"{REASONS[own.identity_fault]}; the next write gets a new id"
    elif not own.source.head.witness:
        found = "the file is the original, without a witness outside the directory"
    return Finding(directory.file("own.json"), True, found)


def _oversold(directory: Directory) -> list[Finding]:
    """Check whether a replica used more rights to a bounded counter than it had, as the writers of a fork can."""
    with suppress(DataError), directory.own_source() as own, directory.known_source() as known:
        return [
            Finding(
                directory.file("known.json"),
                False,
                f"'{holding.name}': {who} used {amount} rights more than it had, so at least as much was oversold: "
                f"'{typed('transfer', holding.name, who, str(amount))}' makes up for it",
            )
            for holding in holdings(own, known)
            for who, amount in holding.oversold.items()
        ] + [
            Finding(directory.file("known.json"), False, f"{made}; {made.advice}")
            for holding in holdings(own, known)
            if (made := made_twice(holding.name, holding.state, known.head.settled if known else ()))
        ]
    return []  # the check of that file reports its damage


def _doubled(directory: Directory) -> list[Finding]:
    """Check whether several replicas absorbed the same sealed one, which then counts for each of them."""
    with suppress(DataError), directory.own_source() as own, directory.known_source() as known:
        found = absorbed_twice(roster(membership_of(own, known)), known.head.settled if known else ())
        return [
            Finding(
                directory.file("known.json"), False, f"{double_absorption(record, by)}; see 'crdtctl settle --help'"
            )
            for record, by in sorted(found.items())
        ] + [
            Finding(directory.file("known.json"), False, f"{one}; see 'crdtctl settle --help'")
            for one in (gone.returned(known.head.settled, known.head.clock) if known else ())
        ]
    return []  # the check of that file reports its damage


def _renamed(directory: Directory) -> list[Finding]:
    """Return findings for renames that a person should decide. They lose no count."""
    with suppress(DataError), directory.both_sources() as (own, known):
        sources = [one for one in (own, known) if one is not None]
        if not any(one.has(RENAMES_LINE) for one in sources):
            return []
        from crdtctl.store.renamed import RenamedCounters

        name = directory.file("known.json" if known else "own.json")
        return [Finding(name, True, fault) for fault in RenamedCounters(sources).faults()]
    return []  # the check of that file reports its damage


def _advised(directory: Directory) -> list[Finding]:
    """Return findings for replicas that may not have received a `forget` or `rename`, and for ids that piled up."""
    from crdtctl.store.snapshot import snapshot

    with suppress(DataError), snapshot(directory) as now:
        found = [*map(str, now.unreceived()), *now.piled_up()]
        return [Finding(directory.file("known.json"), True, advice) for advice in found]
    return []  # the check of that file reports its damage


def _often(directory: Directory) -> list[Finding]:
    """Check whether a replica got many new ids, as one in the cache of a CI does."""
    with suppress(DataError), directory.known_source() as known:
        times = len(known.head.past) if known else 0
        return [Finding(directory.file("known.json"), True, often(times))] if times >= OFTEN else []
    return []  # the check of that file reports its damage


def _config(directory: Directory) -> Finding:
    name = directory.file("config.toml")
    try:
        config.read(directory.fd, name)
        return Finding(name, True, "settings are right")
    except ConfigError as error:
        return Finding(name, False, error.message)


def _journals(directory: Directory) -> list[Finding]:
    """Describe damage of the journals. The replica is right all the same: a power cut may leave half a line behind."""
    return [
        Finding(directory.file(name), True, f"{fault}; no total depends on this file, which may be deleted")
        for name, fault in journal.faults(directory)
    ]


def _lefts(directory: Directory) -> list[Finding]:
    found = sorted(name for name in os.listdir(directory.fd) if name.endswith(NEW))
    return [
        Finding(directory.file(name), True, "left by a writer that was killed or is at work; the next one sweeps it")
        for name in found
    ]
