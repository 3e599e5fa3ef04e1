"""``crdtctl status``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Option, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report, json_int
from crdtctl.cli.verb import session
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item
    from crdtctl.store.handoffs import OpenHandoff
    from crdtctl.store.reader import Reader
    from crdtctl.store.rights import Holding
    from crdtctl.store.snapshot import Snapshot

#: Maximum number of lines about other replicas, of each kind.
_MAX_LINES = 5
_DAY = 86_400


@command(
    Option(
        "max_age",
        metavar="AGE",
        kind=duration,
        help="Status 1 unless the last successful sync with each remote is at most AGE old, for example 2h.",
    ),
    FORM,
    statuses=(1, *READS),
)
def status(context: Context, max_age: float | None, form: str | None) -> None:
    """Show this replica, the replicas it knows, and its remotes.

    \b
    EXAMPLES:
      crdtctl status
      crdtctl status --format json | jq -r '.replicas[].replica'
      crdtctl status --max-age 2h

    Lists for each replica the number of its last known commit, and when the latest commits arrived. This replica
    comes first, then its former ids with the reason why each ended, then the others. --max-age is for a monitor: it
    names the remotes that are late.

    The table and JSON also show: the last successful sync with each remote and the failures since; replicas that were
    not heard of for a day, and remotes that lack their newer commits; forks; the rights to bounded counters and
    requests for them; hand-offs that are not complete; and whether this replica may be discarded.
    """
    import time

    from crdtctl.cli.meeting_places import known_remotes, late

    chosen = output.resolve_format(form)
    replica = session(context).open_to_read()
    remotes = known_remotes(replica)
    with replica.snapshot() as now:
        _show(replica, now, remotes, chosen)
    if max_age is not None and (failed := late(remotes, max_age, time.time())):
        raise failed


def _show(replica: Reader, now: Snapshot, remotes: Sequence[Item], chosen: str) -> None:
    from itertools import islice

    from crdtctl.cli.meeting_places import of_others, remote_words
    from crdtctl.crdt.membership import day_of
    from crdtctl.records import as_dict
    from crdtctl.store.handoffs import no_peer_warning
    from crdtctl.store.identity import OFTEN, REASONS, often
    from crdtctl.store.retirement import double_absorption

    own, clock, heard, forks = now.id, now.clock(), now.heard(), now.forks()
    clock.pop(own, None)
    tier, handoffs = now.tier, now.open_handoffs()
    reasons = now.reasons_to_keep()
    roster, holdings = now.retired(), now.holdings()
    unheard, doubled, faults = now.unheard(), now.doubled(), now.rename_faults()
    unreceived = now.unreceived()
    piled_up, gone = now.piled_up(), now.declared_gone()
    was = {past.replica: past for past in now.past()}
    items: list[Item] = [{"replica": own, "commits": now.commits, "heard": None, "own": True}]
    said = {own: "this replica"}
    for past in was.values():
        said[past.replica] = f"this replica until {past.when}: {REASONS.get(past.why, past.why)}"
        commits = clock.pop(past.replica, past.seq)
        items.append({"replica": past.replica, "commits": commits, "heard": None, "own": True})
    for author, seq in sorted(clock.items()):
        items.append({"replica": author, "commits": seq, "heard": heard.get(author), "own": False})
    synced, outdated = of_others(replica, now) if remotes else ({}, [])
    for item in items:
        item["last_sync"] = None if item["own"] else synced.get(item["replica"])
    if chosen == "table":
        output.stdout.line(f"replica    {own}\ndirectory  {printable(replica.path)}")
        from crdtctl.store.neighbours import neighbours

        for other in islice(neighbours(replica.path), 3):
            output.stdout.line(f"others     {other}")
        if ignored := _ignored(replica.path):
            output.stdout.line(f"not used   {ignored}")
        for fork in forks:
            output.stdout.line(f"fork       {fork.replica}, not settled: see 'crdtctl settle --help'")
        if own in roster.sealed:
            output.stdout.line("sealed     it has ended, and takes no more")
        if roster.absorbers or roster.cutoff:
            fence = f"; older than {day_of(roster.cutoff)} forgotten" if roster.cutoff else ""
            output.stdout.line(f"absorbed   {len(roster.absorbers)} sealed replicas{fence}")
        for made in now.made_twice():
            output.stdout.line(f"made twice {made}: {made.advice}")
        for one in now.returned():
            output.stdout.line(f"came back  {one}: see 'crdtctl settle --help'")
        for record, by in doubled.items():
            output.stdout.line(f"doubled    {double_absorption(record, by)}: see 'crdtctl settle --help'")
        for fault in faults:
            output.stdout.line(f"renamed    {printable(fault)}")
        for late in unreceived:
            output.stdout.line(f"pending    {late}")
        for line in piled_up:
            output.stdout.line(f"silent     {line}")
        if len(was) >= OFTEN:
            output.stdout.line(f"ids        {often(len(was))}")
        for before in unheard:
            output.stdout.line(f"unheard    what {before} did after it was copied or put back: nothing is absorbed")
            output.stdout.line("           before a sync, or a merge, has brought it, see 'crdtctl absorb --help'")
        for holding in holdings:
            for line in _rights_lines(holding):
                output.stdout.line(line)
        for line in _handoff_lines(own, tier, handoffs, reasons, heard):
            output.stdout.line(line)
        for one_remote in remotes:
            output.stdout.line(f"remote     {remote_words(one_remote)}")
        for line in _outdated_lines(outdated, heard):
            output.stdout.line(line)
        for line in _unheard_lines(synced, heard, {*clock} - {*gone, *roster.sealed}):
            output.stdout.line(line)
        output.stdout.line("")
    alone = [one.name for one in handoffs if one.replica == own and one.pending.has_no_peer]
    if alone and not clock:
        output.print_message(no_peer_warning(alone))
    columns = ("replica", "commits", "heard")
    head = {
        "replica": own,
        "directory": printable(replica.path),
        "tier": tier,
        "discardable": not reasons,
        "keep": reasons,
        "handoffs": [_item(one) for one in handoffs],
        "past": [
            {
                "replica": past.replica,
                "commits": past.seq,
                "why": past.why,
                "at": past.when,
                "unheard": past.replica in unheard,
            }
            for past in was.values()
        ],
        "sealed": own in roster.sealed,
        "absorbed": len(roster.absorbers),
        "fence": day_of(roster.cutoff) if roster.cutoff else None,
        "forks": [{"replica": fork.replica, "since": fork.since, "branches": list(fork.branches)} for fork in forks],
        "made_twice": [{"name": made.name, "makers": made.makers} for made in now.made_twice()],
        "returned": [as_dict(one) for one in now.returned()],
        "doubled": [{"record": record, "absorbers": list(by)} for record, by in doubled.items()],
        "gone": [{"replica": who, "commits": commits} for who, commits in sorted(gone.items())],
        "silent": piled_up,
        "renames": [{"name": old, "target": new} for old, new in now.aliases().items()],
        "rename_faults": faults,
        "unreceived": [
            {"replica": one.author, "commit": one.commit, "replicas": list(one.replicas)} for one in unreceived
        ],
        "rights": [_rights_item(holding) for holding in holdings],
        "remotes": remotes,
        "outdated": outdated,
    }

    def row(item: Item) -> list[list[object]]:
        return [[item["replica"], item["commits"], said.get(item["replica"], item["heard"])]]

    report = Report("replicas", columns, items, row, value=0, head=head)
    output.print_report(report, chosen)


def _outdated_lines(outdated: Sequence[Item], heard: Mapping[str, str]) -> Iterator[str]:
    """Yield lines about objects that are older than commits that are known for long."""
    for one in outdated[:_MAX_LINES]:
        who, since = one["replica"], heard[one["replica"]]
        yield f"outdated   {one['url']} has commit {one['commit']} of {who}, whose commit {one['known']} is known"
        yield f"           since {since}: it does not sync there any more, or newer objects are hidden there"


def _unheard_lines(synced: Mapping[str, str], heard: Mapping[str, str], others: Collection[str]) -> Iterator[str]:
    """Yield lines about replicas whose last sync or news is more than a day ago, the latest at the end."""
    import time

    from crdtctl.cli.durations import ago, seconds_at

    last = {who: max(synced.get(who, ""), heard.get(who, "")) for who in others}
    limit = time.time() - _DAY
    silent = sorted((when, who) for who, when in last.items() if when and (seconds_at(when) or limit) < limit)
    for when, who in silent[:_MAX_LINES]:
        yield f"not heard  {who}: since {when}, {ago(when)}"
    if len(silent) > _MAX_LINES:
        yield f"           and {len(silent) - _MAX_LINES} more"


def _ignored(path: str) -> str:
    """Return the line about counts in a file that is not used; empty without them."""
    import os

    from crdtctl.errors import DataError
    from crdtctl.store.durable import OWN, RECENT

    if os.path.exists(os.path.join(path, f"{OWN}{RECENT}")):
        from crdtctl.contexts import suppress
        from crdtctl.store.check import ignored_changes
        from crdtctl.store.files import Directory

        directory = Directory(path)
        try:
            with suppress(DataError):  # the check reports the damage of a file that is not used
                found = ignored_changes(directory)
                if found and not found.ok:
                    return f"{OWN}{RECENT} has counts that are not counted here: see 'crdtctl check'"
        finally:
            directory.close()
    return ""


def _grants(holding: Holding, asker: str) -> str:
    from crdtctl.store.commit import typed

    return typed("transfer", holding.name, asker, option="--granted")


def _rights_lines(holding: Holding) -> Iterator[str]:
    """Yield the lines about the rights to a counter."""
    total = sum(holding.holders.values())
    yield f"rights     {holding.name}: {holding.here} of {total} here"
    for asker, amount in holding.requests.items():
        yield f"request    {holding.name}: {asker} asks for {amount}: {_grants(holding, asker)}"
    for holder, amount in holding.asked.items():
        yield f"asked      {holding.name}: {holder} for {amount}, which are not here yet"
    for who, amount in holding.oversold.items():
        yield f"oversold   {holding.name}: {who} used {amount} rights more than it had, see 'crdtctl check'"


def _rights_item(holding: Holding) -> Item:
    """Return the rights to a counter as data."""
    requests = [
        {"replica": who, "amount": json_int(amount), "grant": _grants(holding, who)}
        for who, amount in holding.requests.items()
    ]
    return {
        "name": holding.name,
        "here": json_int(holding.here),
        "holders": {who: json_int(amount) for who, amount in holding.holders.items()},
        "requests": requests,
        "asked": [{"replica": who, "amount": json_int(amount)} for who, amount in holding.asked.items()],
        "oversold": [{"replica": who, "amount": json_int(amount)} for who, amount in holding.oversold.items()],
    }


def _item(one: OpenHandoff) -> Item:
    up, down = one.pending.counted
    return {
        "name": one.name,
        "replica": one.replica,
        "step": one.step,
        "up": json_int(up),
        "down": json_int(down),
        "slots": list(one.pending.slots),
        "tokens": [
            {"from": src, "to": dst, "up": json_int(up), "down": json_int(down)}
            for (src, dst), (up, down) in one.pending.tokens.items()
        ],
    }


def _handoff_lines(
    own: str, tier: int, handoffs: Sequence[OpenHandoff], reasons: Sequence[str], heard: Mapping[str, str]
) -> Iterator[str]:
    """Yield the lines about hand-offs. A permanent replica without pending counts has none."""
    from crdtctl.store.commit import typed
    from crdtctl.store.handoffs import signed

    if tier:
        yield f"tier       {tier}"
    for one in handoffs:
        pending = one.pending
        said = [f"{signed(pending.counted)} not handed over"] if any(pending.counted) else []
        said += [f"slot for {src}" for src in pending.slots]
        said += [
            f"token over {signed(count)} for {dst}" + ("" if src == one.replica else f", from {src}")
            for (src, dst), count in pending.tokens.items()
        ]
        if one.replica != own:
            if said:
                yield f"former id  {one.name}: {'; '.join(said)} as {one.replica}. If no other copy of it lives,"
                yield "           this will not be handed over: 'crdtctl increment' can count it again"
        elif said:
            step = f"hand-off {one.step} of 4: " if one.step else ""
            yield f"hand-off   {one.name}: {step}{'; '.join(said)}"
            for dst in sorted({dst for src, dst in pending.tokens if src == own}):
                last = f"{dst} was last heard of {heard[dst]}" if dst in heard else f"{dst} was not heard of"
                yield f"           {last}; if it is gone for good:"
                yield f"           {typed('transfer', one.name, option=f'--from={dst}')}"
    if tier:
        yield f"throw away {'no: ' + reasons[0] if reasons else 'yes: all is handed over'}"
        for reason in reasons[1:]:
            yield f"           {reason}"
