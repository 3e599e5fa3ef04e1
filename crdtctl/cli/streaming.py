"""``--stream`` and ``--follow``: lines are counted as they arrive, in groups, and acknowledged on standard output."""

from __future__ import annotations

from time import monotonic

from crdtctl.cli import output
from crdtctl.cli.acknowledgements import Acknowledgements
from crdtctl.cli.batches import LeftOut, decoded
from crdtctl.cli.signals import noted_signals
from crdtctl.errors import CrdtctlError, OutcomeUnknownError, PartialError, UsageError
from crdtctl.store.commit import Request
from crdtctl.store.group_commit import Refusal, commit_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol, TypeAlias

    from crdtctl.cli.batches import Parse
    from crdtctl.store.commit import OnRefused
    from crdtctl.store.followed import Step
    from crdtctl.store.replica import Replica

    class Source(Protocol):
        """Lines that arrive bit by bit. `name` is for messages; `is_over` is true after the last line.

        `advice` is for a user who cannot know whether the last lines were committed.
        """

        name: str
        is_over: bool
        advice: str

        def read(self, patience: float | None) -> list[bytes]:
            """Return the lines that arrived. Wait up to `patience` seconds, or until a signal."""

        def is_ready(self) -> bool:
            """Return whether more can be read at once."""

        def step(self, count: int) -> Step | None:
            """Return the step in a followed file to behind the first `count` lines that are not taken yet."""

        def took(self, count: int) -> None:
            """Note that the first `count` lines are committed."""

    #: Opens the source. A signal ends its waits.
    Opening: TypeAlias = Callable[[noted_signals], AbstractContextManager[Source]]

#: The longest time in seconds that a line waits, if --every is not given, and most lines in a group.
PATIENCE = 0.1
GROUP = 10_000
#: Interval in seconds between attempts to write an acknowledgement that no one reads.
_INTERVAL = 0.05
#: Number of different lines whose requests are kept.
_MOST_KEPT = 100_000


def stream(
    replica: Replica, opening: Opening, parse: Parse, *, every: float | None, group: int | None, skip: bool
) -> int | None:
    """Count lines until they end, or until a signal. Return the exit status of the signal, or None at the end.

    A group is committed if no further line is waiting, and at the latest after `PATIENCE`. With `every`, it is
    committed that number of seconds after its first line. It has at most `group` lines. `parse` reads a line and raises
    `UsageError` for a wrong one. That ends the stream, after all lines before it are committed. With `skip`, the line
    is left out, and `PartialError` is raised at the end.
    """
    acknowledgements = Acknowledgements()
    with noted_signals() as signals, opening(signals) as source:
        counting = _Counting(replica, source, parse, acknowledgements, skip=skip)
        waiting: list[bytes] = []
        since = 0.0
        limit = PATIENCE if every is None else every
        most = group or GROUP

        def patience() -> float | None:
            left = max(0.0, since + limit - monotonic()) if waiting else None
            return left if acknowledgements.sent() else min(_INTERVAL, _INTERVAL if left is None else left)

        def is_due() -> bool:
            if source.is_over or signals.number or (every is None and not source.is_ready()):
                return True
            return monotonic() >= since + limit

        try:
            while not (source.is_over or signals.number) and output.stdout.failure is None:
                lines = source.read(patience())
                if source.step(0):
                    counting.begin()
                if lines and not waiting:
                    since = monotonic()
                waiting += lines
                while len(waiting) >= most or (waiting and is_due()):
                    counting.commit(waiting[:most])
                    waiting = waiting[most:]
                    since = monotonic()
        except CrdtctlError:
            acknowledgements.finish()
            raise
        acknowledgements.finish()
        counting.left_out.of = counting.done
    try:
        counting.left_out.raise_if_any()
    except PartialError as left_out:
        if not signals.number:
            raise
        output.print_message(left_out)
    return 128 + signals.number if signals.number else None


class _Counting:
    """Commits groups of lines, and acknowledges them. `done` lines are on disk, or left out."""

    def __init__(
        self, replica: Replica, source: Source, parse: Parse, acknowledgements: Acknowledgements, *, skip: bool
    ) -> None:
        self.left_out = LeftOut()
        self._acknowledgements = acknowledgements
        self._notes: set[str] = set()
        self.done = 0
        self._replica = replica
        self._source = source
        self._parse = parse
        self._skip = skip
        self._requests: dict[bytes, Request | None] = {}
        self._bad: dict[bytes, UsageError] = {}

    def begin(self) -> None:
        """Record where a followed file begins, so that it is found again if it is rotated before its first line."""
        self._commit([], 0, None)

    def commit(self, group: list[bytes]) -> None:
        """Commit a group of lines and acknowledge it."""
        self._read(group)
        bad = next((place for place, line in enumerate(group) if line in self._bad), None) if self._bad else None
        try:
            if bad is None or self._skip:
                commit_group(self._commit, group, self._requests, self._leave_out if self._skip else None)
                for place in range(len(group)) if bad is not None else ():
                    if group[place] in self._bad:
                        self._leave_out(place, self._bad[group[place]])
            elif bad:
                commit_group(self._commit, group[:bad], self._requests)
        except Refusal as refusal:
            self._acknowledge(refusal.place)
            raise self._ended_by(refusal.reason) from None
        except CrdtctlError as failure:
            failure.message += f" (lines on disk: {self.done})"
            if isinstance(failure, OutcomeUnknownError):
                failure.hint = self._source.advice
            raise
        self._acknowledge(len(group) if bad is None or self._skip else bad)
        if bad is not None and not self._skip:
            raise self._ended_by(self._bad[group[bad]])

    def _read(self, group: list[bytes]) -> None:
        if len(self._requests) > _MOST_KEPT:
            self._requests, self._bad = {}, {}
        for line in set(group) - self._requests.keys():
            self._requests[line] = None
            try:
                if line.strip():
                    self._requests[line] = self._parse(decoded(line))
            except UsageError as error:
                self._bad[line] = error

    def _commit(self, requests: list[Request], size: int, on_refused: OnRefused | None) -> None:
        step = self._source.step(size)
        if requests or step:
            done = self._replica.commit(requests, on_refused=on_refused, step=step)
            for note in done.notes:
                if note not in self._notes:
                    self._notes.add(note)
                    output.print_message(note)
        self._source.took(size)

    def _leave_out(self, place: int, reason: CrdtctlError) -> None:
        self.left_out.add(1, self.done + place + 1, self._source.name, reason.message)

    def _acknowledge(self, lines: int) -> None:
        self.done += lines
        self._acknowledgements.add(self.done)

    def _ended_by(self, reason: CrdtctlError) -> CrdtctlError:
        """Return the failure for the first line that is not on disk."""
        where = f"line {self.done + 1} of {self._source.name}: {reason.message}"
        return type(reason)(where, f"all lines before it are on disk ({self.done}); --bad skip leaves such lines out")
