"""The common part of the verbs' modules: their session, and their commit."""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.everywhere import LOCK_TIMEOUT, REPLICA
from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    ExistsError,
    MissingError,
    RefusedError,
    StorageError,
    UsageError,
    printable,
)
from crdtctl.store.locate import VARIABLE
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from crdtctl.cli.context import Context
    from crdtctl.store.commit import OnRefused, Request
    from crdtctl.store.committer import Committer
    from crdtctl.store.reader import Reader
    from crdtctl.store.replica import Replica

    R = TypeVar("R", bound=Reader)


class Session:
    """The global options that select and lock a replica."""

    def __init__(self, replica: str | None, lock_timeout: float | None) -> None:
        self.replica = replica
        self.lock_timeout = lock_timeout

    @property
    def is_named(self) -> bool:
        """Whether the user named the replica."""
        return bool(self.replica or os.environ.get(VARIABLE))

    def open(self, on_renamed: Callable[[object], object] = output.print_message) -> Replica:
        """Return the selected replica. A change of its id is reported to `on_renamed`."""
        from crdtctl.store.replica import Replica

        return self._open(Replica, on_renamed)

    def open_to_read(self) -> Reader:
        """Return the selected replica for a command that only reads: less is imported for it."""
        from crdtctl.store.reader import Reader

        return self._open(Reader, None)

    def open_to_count(self, *, begins: bool) -> Committer:
        """Return the selected replica for a command that only counts; with `begins`, create it as `open_to_write`."""
        from crdtctl.store.committer import Committer

        if begins:
            self._make_the_first()
        return self._open(Committer, output.print_message)

    def _open(self, kind: type[R], on_renamed: Callable[[object], object] | None) -> R:
        from crdtctl.store import which

        notes: list[str] = []
        path = which.find(self.replica, notes)
        try:
            replica = kind(path, lock_timeout=self.lock_timeout, on_renamed=on_renamed)
        except MissingError as error:
            hint = error.hint if self.is_named else _elsewhere(path) or error.hint
            raise MissingError("; ".join([*notes, error.message]), hint) from None
        for note in notes:
            output.print_message(note)
        return replica

    def open_to_write(self, on_renamed: Callable[[object], object] = output.print_message) -> Replica:
        """Return the selected replica; create the one in the user's data directory if none exists."""
        self._make_the_first()
        return self.open(on_renamed)

    def _make_the_first(self) -> None:
        from crdtctl.store import which

        path = which.find(self.replica, [])
        if not self.is_named and which.is_to_be_made(path):
            from crdtctl.store.replica import Replica

            try:
                made = Replica.init(path)
            except ExistsError:  # another process has just created it
                pass
            except (AccessError, StorageError) as error:
                raise type(error)(
                    error.message, "choose another directory with CRDTCTL_REPLICA or XDG_DATA_HOME"
                ) from None
            else:
                from crdtctl.store.neighbours import foremost

                other = foremost(path)
                output.print_message(
                    f"created replica {made.id} in {printable(path)}" + (f"; {other}" if other else "")
                )


def _elsewhere(path: str) -> str:
    """Return a hint about another replica of this user, if `path` has none."""
    from crdtctl.store.neighbours import foremost

    other = foremost(path)
    return f"{other}: select it with --replica or CRDTCTL_REPLICA, or create one with 'crdtctl init'" if other else ""


def session(context: Context) -> Session:
    """Return the session of a command; raise `UsageError`."""
    replica = context.of(REPLICA)
    if replica == "":
        raise UsageError("--replica is empty", "is a variable unset?")
    return Session(replica, context.of(LOCK_TIMEOUT))


def commit(
    context: Context,
    requests: Sequence[Request],
    *,
    begins: bool = True,
    print_clock: bool = False,
    also: bool = False,
    existing: bool = False,
    on_refused: Callable[[int, CrdtctlError], object] | None = None,
) -> None:
    """Commit requests, and print the changes on a terminal.

    Requests that never begin a counter (`begins` is false) create no replica. With `on_refused`, a refused request is
    left out, and its place in `requests` is passed to it.
    """
    if also or existing:
        from crdtctl.records import replace

        requests = [replace(one, also=also, existing=existing) for one in requests]
    talks = output.is_talkative() and not print_clock
    current = session(context)
    replica = current.open_to_count(begins=begins and not existing)
    if print_clock and replica.tier:
        raise RefusedError("--print-clock works only on a permanent replica, of tier 0", "leave out --print-clock")
    done = replica.commit(
        requests, details=talks, on_refused=on_refused and _by_place(requests, on_refused), note=_note(context)
    )
    output.stdout.applied = done.seq is not None
    for note in done.notes:
        output.print_message(note)
    if print_clock:
        from crdtctl.store.clock_text import clock_text

        output.stdout.line(clock_text(done.clock))
    if talks:
        output.print_changes([(change.name, change.before, change.after) for change in done.changes], len(done.changes))
        if not current.is_named:
            from crdtctl.store.neighbours import likelier

            other = likelier(replica, {change.name: change.before is None for change in done.changes})
            if other:
                output.print_message(f"counted in {printable(replica.path)}; {other}")


def _note(context: Context) -> str:
    """Return the note for the journal of counts, or an empty text; raise `UsageError`."""
    note: str | None = context.values.get("note")
    if note is None:
        return ""
    from crdtctl.store.counts import MAX_NOTE

    if not note or len(note) > MAX_NOTE or not note.isprintable():
        raise UsageError(f"a note is one line of 1 to {MAX_NOTE} characters", "shorten it, or leave it out")
    return note


def _by_place(requests: Sequence[Request], on_refused: Callable[[int, CrdtctlError], object]) -> OnRefused:
    """Return a function that passes the place of a request on. Requests may be equal, and each has its place."""
    places: dict[int, int] = {}

    def pass_on(request: Request, failure: CrdtctlError) -> None:
        if not places:  # few commits refuse a request
            places.update((id(one), place) for place, one in enumerate(requests))
        on_refused(places[id(request)], failure)

    return pass_on


def skips_bad(context: Context, bad: str | None, batch: str | None) -> bool:
    """Return whether wrong lines of a batch are left out; raise `UsageError` for a wrong --bad, or one of a stream."""
    checked_bad(bad)
    if batch is None and is_typed(context, "bad"):
        raise UsageError("--bad works only with --batch, --stream or --follow", "add --batch FILE, or leave it out")
    for option in ("every", "group", "until_end"):
        if is_typed(context, option):
            shown = f"--{option.replace('_', '-')}"
            raise UsageError(f"{shown} works only with --stream or --follow", "add --stream, or leave it out")
    return bad == "skip"


def checked_bad(bad: str | None) -> str:
    """Return the value of --bad; raise `UsageError` for an unknown one."""
    if bad not in (None, "refuse", "skip"):
        raise UsageError(f"--bad cannot be '{printable(bad)}'", "it is refuse or skip")
    return bad or "refuse"


def is_typed(context: Context, option: str) -> bool:
    """Return whether an option is on the command line, and not from the environment."""
    return option in context.typed


def typed_format(context: Context, form: str | None) -> str | None:
    """Return the format on the command line. CRDTCTL_FORMAT applies to reports only."""
    return form if form is not None and is_typed(context, "form") else None
