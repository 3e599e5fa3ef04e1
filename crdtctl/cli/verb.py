"""What the modules of the verbs share: their session, their common options, their help."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from crdtctl.cli import output
from crdtctl.cli.line import LOCK_TIMEOUT, REPLICA, Command, Group
from crdtctl.cli.statuses import section
from crdtctl.errors import (
    AccessError,
    ExistsError,
    MissingError,
    RefusedError,
    StorageError,
    UsageError,
    printable,
)
from crdtctl.store import which
from crdtctl.store.clocktext import clock_text
from crdtctl.store.commit import OnRefused, Request
from crdtctl.store.locate import VARIABLE
from crdtctl.store.replica import Replica


@dataclass(frozen=True, slots=True)
class Session:
    """What stands before the verb on the command line."""

    replica: str | None
    lock_timeout: float | None

    @property
    def is_named(self) -> bool:
        """Whether the user named the replica to use."""
        return bool(self.replica or os.environ.get(VARIABLE))

    def open(self, on_renamed: Callable[[object], object] = output.say) -> Replica:
        """Return the replica that is meant; that it goes on under a new id is said in a line, or to `on_renamed`."""
        notes: list[str] = []
        path = which.find(self.replica, notes)
        try:
            replica = Replica(path, lock_timeout=self.lock_timeout, on_renamed=on_renamed)
        except MissingError as error:
            hint = error.hint if self.is_named else _elsewhere(path) or error.hint
            raise MissingError("; ".join([*notes, error.message]), hint) from None
        for note in notes:
            output.say(note)
        return replica

    def open_to_write(self, on_renamed: Callable[[object], object] = output.say) -> Replica:
        """Return the replica that is meant; make the one in the user's data directory if there is none."""
        path = which.find(self.replica, [])
        if not self.is_named and which.is_to_be_made(path):
            try:
                made = Replica.init(path)
            except ExistsError:  # another process was quicker: its replica is as good
                pass
            except (AccessError, StorageError) as error:
                raise type(error)(error.message, "name another place with CRDTCTL_REPLICA or XDG_DATA_HOME") from None
            else:
                from crdtctl.store.neighbours import foremost

                other = foremost(path)
                output.say(f"made replica {made.id} in {printable(path)}" + (f"; {other}" if other else ""))
        return self.open(on_renamed)


def _elsewhere(path: str) -> str:
    """Return the hint that leads to another replica of this user, if there is one, where none is at `path`."""
    from crdtctl.store.neighbours import foremost

    other = foremost(path)
    return f"{other}: name it with --replica or CRDTCTL_REPLICA; 'crdtctl init' makes a new one" if other else ""


def session(context: typer.Context) -> Session:
    """Return the session of a command; raise `UsageError`."""
    replica = REPLICA.of(context)
    if replica == "":
        raise UsageError("--replica is empty", "is a variable unset?")
    return Session(replica, LOCK_TIMEOUT.of(context))


def commit(
    context: typer.Context,
    requests: Sequence[Request],
    *,
    begins: bool = True,
    print_clock: bool = False,
    also: bool = False,
    existing: bool = False,
    on_refused: OnRefused | None = None,
) -> None:
    """Commit; on a terminal, say what changed. What never `begins` anything makes no replica where there is none.

    With `on_refused`, a request that is refused is left out, and reported to it.
    """
    if also or existing:
        requests = [replace(one, also=also, existing=existing) for one in requests]
    talks = output.is_talkative() and not print_clock
    current = session(context)
    replica = current.open_to_write() if begins and not existing else current.open()
    if print_clock and replica.tier:
        raise RefusedError("a replica that hands its counts over stands in no clock", "leave out --print-clock")
    done = replica.commit(requests, details=talks, on_refused=on_refused)
    output.stdout.applied = done.seq is not None
    for note in done.notes:
        output.say(note)
    if print_clock:
        output.stdout.line(clock_text(done.clock))
    if talks:
        output.tell([(change.name, change.before, change.after) for change in done.changes], len(done.changes))
        if not current.is_named:
            from crdtctl.store.neighbours import likelier

            other = likelier(replica, {change.name: change.before is None for change in done.changes})
            if other:
                output.say(f"counted in {printable(replica.path)}; {other}")


def verb_app(*statuses: int, group: type[Group] = Group, once: bool = False) -> tuple[typer.Typer, dict[str, Any]]:
    """Return an application for one verb, and the settings of its command."""
    return typer.Typer(cls=group, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False), {
        "cls": Command,
        "epilog": section(*statuses, once=once),
    }


TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        "-t",
        metavar="TYPE",
        envvar="CRDTCTL_TYPE",
        help="Type of the counter, where its name alone does not tell.",
    ),
]
AlsoOption = Annotated[
    bool,
    typer.Option("--also", help="Make it a second type, where the name is there as another one."),
]
ExistingOption = Annotated[
    bool,
    typer.Option("--existing", help="Make no counter: status 66 if there is none of the name."),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        envvar="CRDTCTL_FORMAT",
        help=f"One of {', '.join(output.FORMATS)}. Default: a table on a terminal, tab-separated lines elsewhere.",
    ),
]
OnceOption = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Count a single time for the whole world under this key, however often sent."),
]
PrintClockOption = Annotated[
    bool,
    typer.Option("--print-clock", help="Print the clock of this write, for 'show --require' elsewhere."),
]
BatchOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Take what to do from FILE, a line each, as one commit ('-': standard input)."),
]
BadOption = Annotated[
    str | None,
    typer.Option(
        "--bad",
        metavar="refuse|skip",
        help="What a wrong line does to the batch: refuse all of it (default), or skip that line and end with 3.",
    ),
]


def skips_bad(context: typer.Context, bad: str | None, batch: str | None) -> bool:
    """Return whether wrong lines of a batch are left out; raise `UsageError` for what --bad does not take."""
    if bad not in (None, "refuse", "skip"):
        raise UsageError(f"there is no --bad {printable(bad)}", "it is refuse or skip")
    if batch is None and is_typed(context, "bad"):
        raise UsageError("--bad is for the lines of a batch", "it goes with --batch FILE")
    return bad == "skip"


def is_typed(context: typer.Context, option: str) -> bool:
    """Return whether an option stands on the command line, and does not come from the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def typed_format(context: typer.Context, form: str | None) -> str | None:
    """Return the format that stands on the command line; what CRDTCTL_FORMAT says is for reports only."""
    return form if form is not None and is_typed(context, "form") else None
