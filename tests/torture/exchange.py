"""Several writers that began as one replica: their acknowledged counts, and the totals after they have exchanged.

Every increment has an amount of its own, a power of `_BASE`, so a total shows the number of times that each one counts.
"""

import os
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from crdtctl import Replica
from crdtctl.crdt.branches import origin
from tests.conftest import PROGRAM, Result

EXACT = "exact"
REPORTED = "reported"
LOSS = "silent loss"
TWICE = "counted twice"
DISAGREE = "totals differ"

_BASE = 4
_FORK = 5
_NAME = "n"


@dataclass(frozen=True)
class Site:
    """A place of a replica: its directory, its user's home, and the prefix of its commands."""

    replica: Path
    home: Path
    under: Sequence[str | Path] = ()


@dataclass(frozen=True)
class Outcome:
    """The outcome of a way to copy: the verdict, the detections, and all messages."""

    verdict: str
    noticed: bool
    said: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost in silence."""
        return self.verdict in (EXACT, REPORTED)


@dataclass
class World:
    """A hub, the writers, and the acknowledged increments of each. All files are below one directory."""

    root: Path
    stack: ExitStack
    #: Increments that were acknowledged, by their exponent.
    counted: list[int] = field(default_factory=list)
    #: Increments that may be lost: an older version was restored, and they had not been sent.
    gone: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    forks: int = 0

    def __post_init__(self) -> None:
        self.hub = Site(self.root / "hub", self.root / "home of the hub")
        self.run(self.hub, "init", "--name", "hub")

    # One process each ------------------------------------------------------------------------------------

    def ended(self, site: Site, *words: str | Path) -> Result:
        """Run the program at a site."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRDTCTL", "_CRDTCTL", "XDG_"))}
        done = subprocess.run(
            [*site.under, *PROGRAM, *words],
            capture_output=True,
            env={**kept, "HOME": str(site.home), "LC_ALL": "C.UTF-8", "CRDTCTL_REPLICA": str(site.replica)},
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, site: Site, *words: str | Path) -> str:
        """Run the program, which may find a fork. Record its messages, and return its output."""
        ended = self.ended(site, *words)
        assert ended.status in (0, _FORK), f"{words}: status {ended.status}, {ended.stderr}"
        self.forks += ended.status == _FORK
        self.said += [f"{site.replica.name}: {line}" for line in ended.stderr.splitlines()]
        return ended.stdout

    def shell(self, script: str, **variables: str | Path) -> None:
        """Run a script, which must succeed."""
        kept = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        done = subprocess.run(["sh", "-euc", script], capture_output=True, env=kept, cwd=self.root, check=False)
        assert done.returncode == 0, f"{script}: {done.stderr.decode(errors='replace')}"

    # What a replica does ---------------------------------------------------------------------------------

    def begin(self, replica: Path | None = None, home: Path | None = None, under: Sequence[str | Path] = ()) -> Site:
        """Make the original of the copies. It has merged the hub, and has sent all its counts except for the last."""
        site = Site(replica or self.root / "a", home or self.root / "home", under)
        site.replica.parent.mkdir(parents=True, exist_ok=True)
        self.run(site, "init", "--name", "victim")
        self.count(self.hub)
        self.count(site)
        self.exchange([site])
        self.count(site)
        return site

    def count(self, site: Site) -> int:
        """Count once, by the quick path or by the full command; return the increment."""
        number = len(self.counted)
        amount = str(_BASE**number)
        self.run(site, "increment", *([_NAME, amount] if number % 2 == 0 else [f"{_NAME}={amount}"]))
        self.counted.append(number)
        return number

    def send(self, site: Site) -> None:
        """Merge the state of a site into the hub."""
        self._bring(site, self.hub)

    def _bring(self, source: Site, target: Site) -> None:
        state = self.root / "state.json"
        state.write_text(self.run(source, "export"))
        self.run(target, "merge", state)

    def exchange(self, sites: Iterable[Site]) -> None:
        """Merge all sites into the hub, and then the hub into all sites."""
        sites = list(sites)
        for site in sites:
            self._bring(site, self.hub)
        for site in sites:
            self._bring(self.hub, site)

    # The verdict -----------------------------------------------------------------------------------------

    def ends(self, sites: Sequence[Site], rounds: int) -> Outcome:
        """Let all `sites` write and exchange for a number of rounds, and judge the totals."""
        for number in range(rounds):
            turn = sites if number % 2 == 0 else sites[::-1]
            for site in [*turn, *turn]:
                self.count(site)
            self.exchange(turn)
        self.exchange(sites)
        totals = [int(self.run(site, "show", _NAME)) for site in (self.hub, *sites)]
        return Outcome(self._judge(totals), any("this replica continues as" in line for line in self.said), self.said)

    def _judge(self, totals: Sequence[int]) -> str:
        if len(set(totals)) > 1:
            return DISAGREE
        wanted = {number for number in self.counted if number not in self.gone}
        times = _digits(totals[0])
        if all(times.get(number) == 1 for number in wanted) and times.keys() <= set(self.counted):
            # What is gone may be known still, but not twice.
            return EXACT if set(times.values()) == {1} else TWICE
        if totals[0] > sum(_BASE**number for number in self.counted):
            return TWICE
        if not self.forks:
            return LOSS
        shares = Replica(self.hub.replica).reading(_NAME).shares
        kept = {number for share in shares.values() for number in _digits(share)}
        largest: dict[str, int] = {}  # of the branches of each id
        for author, share in shares.items():
            largest[origin(author)] = max(share, largest.get(origin(author), 0))
        return REPORTED if wanted <= kept and totals[0] >= sum(largest.values()) else LOSS


def _digits(total: int) -> dict[int, int]:
    """Return which increments are in a total, and how often."""
    found = {}
    number = 0
    while total:
        total, times = divmod(total, _BASE)
        if times:
            found[number] = times
        number += 1
    return found
