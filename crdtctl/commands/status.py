"""``crdtctl status``"""

from collections.abc import Iterator

import typer

from crdtctl.commands import output
from crdtctl.commands.output import Item, Report, safe
from crdtctl.commands.statuses import READS
from crdtctl.commands.verb import FormatOption, session, verb_app
from crdtctl.crdt.membership import day_of
from crdtctl.errors import printable
from crdtctl.store.commit import typed
from crdtctl.store.identity import REASONS
from crdtctl.store.rights import Holding

app, settings = verb_app(*READS)


@app.command(**settings)
def status(context: typer.Context, form: FormatOption = None) -> None:
    """Show this replica and whom it has heard of.

    For each: up to which commit, and when there was news of it last. The first row is this replica
    itself, with its directory; then come the ids that it had before, and why each ended, and then the others.
    As a table and as JSON, also: forks, and of bounded counters the rights that are here, and who asks for some.

    \b
    EXAMPLES:
      crdtctl status
      crdtctl status --format json | jq -r '.replicas[].replica'
    """
    chosen = output.choose(form)
    replica = session(context).open()
    own, clock, heard, forks = replica.id, replica.clock(), replica.heard(), replica.forks()
    roster = replica.ended()
    holdings = replica.holdings()
    was = {past.replica: past for past in replica.past()}
    items: list[Item] = [{"replica": own, "commits": clock.pop(own, 0), "heard": "this replica"}]
    for past in was.values():
        ended = f"this replica until {past.when}: {REASONS.get(past.why, past.why)}"
        items.append({"replica": past.replica, "commits": clock.pop(past.replica, past.seq), "heard": ended})
    items += [{"replica": author, "commits": seq, "heard": heard.get(author)} for author, seq in sorted(clock.items())]
    if chosen == "table":
        output.stdout.line(f"replica    {own}\ndirectory  {printable(replica.path)}")
        for fork in forks:
            output.stdout.line(f"fork       {fork.replica}, not settled: see 'crdtctl settle --help'")
        if own in roster.sealed:
            output.stdout.line("sealed     it has ended, and takes no more")
        if roster.absorbers or roster.fence:
            fence = f"; older than {day_of(roster.fence)} forgotten" if roster.fence else ""
            output.stdout.line(f"absorbed   {len(roster.absorbers)} sealed replicas{fence}")
        for holding in holdings:
            for line in _said(holding):
                output.stdout.line(line)
        output.stdout.line("")
    columns = ("replica", "commits", "heard")
    head = {
        "replica": own,
        "directory": printable(replica.path),
        "past": [
            {"replica": past.replica, "commits": past.seq, "why": past.why, "at": past.when} for past in was.values()
        ],
        "sealed": own in roster.sealed,
        "absorbed": len(roster.absorbers),
        "fence": day_of(roster.fence) if roster.fence else None,
        "forks": [{"replica": fork.replica, "since": fork.since, "branches": list(fork.branches)} for fork in forks],
        "rights": [_told(holding) for holding in holdings],
    }
    report = Report("replicas", columns, items, lambda item: [[item[column] for column in columns]], value=0, head=head)
    output.show(report, chosen)


def _grants(holding: Holding, asker: str) -> str:
    return typed("transfer", holding.name, asker, option="--granted")


def _said(holding: Holding) -> Iterator[str]:
    """Yield what there is to say of the rights to a counter, in lines."""
    total = sum(holding.holders.values())
    yield f"rights     {holding.name}: {holding.here} of {total} here"
    for asker, amount in holding.requests.items():
        yield f"request    {holding.name}: {asker} asks for {amount}: {_grants(holding, asker)}"
    for holder, amount in holding.asked.items():
        yield f"asked      {holding.name}: {holder} for {amount}, which are not here yet"
    for who, amount in holding.oversold.items():
        yield f"oversold   {holding.name}: {who} used {amount} rights more than it had, see 'crdtctl check'"


def _told(holding: Holding) -> Item:
    """Return the same for programs."""
    requests = [
        {"replica": who, "amount": safe(amount), "grant": _grants(holding, who)}
        for who, amount in holding.requests.items()
    ]
    return {
        "name": holding.name,
        "here": safe(holding.here),
        "holders": {who: safe(amount) for who, amount in holding.holders.items()},
        "requests": requests,
        "asked": [{"replica": who, "amount": safe(amount)} for who, amount in holding.asked.items()],
        "oversold": [{"replica": who, "amount": safe(amount)} for who, amount in holding.oversold.items()],
    }
