"""Every system call of a sync over a folder is made to kill the program, to interrupt it, and to fail.

What must hold: the replica and each object in the folder are complete, old or new; no object of the folder is lost;
and the next sync repairs everything. A sync that was interrupted, or that reported a failure, leaves no drafts there.
"""

import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.util import source_from_cache
from pathlib import Path

from crdtctl import Replica
from crdtctl.store.check import check_replica
from tests.conftest import Shell
from tests.support.clones import bind
from tests.support.strace import CALLS, Point, Run, load, logged, run, without_caches
from tests.support.unchecked import synchronize
from tests.torture import padded

#: Statuses that a failing system call may have.
FAILED = {65, 66, 69, 74, 75, 76, 77, 3}
ENDED = {signal.SIGTERM: {143, -signal.SIGTERM}, signal.SIGINT: {130}}


class Meeting:
    """A replica and a folder, both with news, that can be put back to how they were."""

    def __init__(self, shell: Shell) -> None:
        self.home = shell.directory
        self.directory = shell.directory / ".crdtctl"
        self.hub = shell.directory / "hub"
        here = Replica.init(self.directory, name="here")
        here.increment("builds", 3)
        synchronize(here, str(self.hub))
        here.increment("builds", 10)
        other = Replica.init(shell.directory / "other", name="other")
        other.increment("builds", 100)
        synchronize(other, str(self.hub))
        for name in (".crdtctl", "hub"):
            shutil.copytree(shell.directory / name, shell.directory / f"kept{name}")
        self.environment = {**shell.environment, "CRDTCTL_REPLICA": str(self.directory)}
        self.words = ["sync", str(self.hub)]
        self.restore()
        load(self.words, self.environment)
        self.restore()
        self.environment = without_caches(self.environment)
        self.modules = self._loaded(shell.directory / "log")
        self.restore()
        self.points = self._recorded(shell.directory / "log")
        self.seen = 0

    def _loaded(self, log: Path) -> str:
        """Return the modules that a sync loads. Loading them is not tried here."""
        run(self.words, self.environment, trace="openat", log=log)
        modules = r'openat\(AT_FDCWD, "(/[^"]+\.(?:pyc?|so))".* = \d+\n'
        opened = (Path(path) for path in re.findall(modules, log.read_text()))
        sources = [Path(source_from_cache(str(path))) if path.suffix == ".pyc" else path for path in opened]
        places = [Path(place) for place in sys.path if place]
        names = []
        for source in sources:
            depths = [len(place.parts) for place in places if source.is_relative_to(place)]
            parts = source.with_name(source.name.partition(".")[0]).parts[max(depths) :] if depths else ()
            names.append(".".join(parts).removesuffix(".__init__"))
        return ",".join(dict.fromkeys(name for name in names if name and name != "crdtctl.__main__"))

    def _recorded(self, log: Path) -> list[Point]:
        """Return the calls of a sync after its first lock, in all threads."""
        ended = run(self.words, self.environment, trace=CALLS, log=log, program=self._program("close", 0, 0))
        assert ended == Run(0, "", ""), ended
        found = logged(log)
        self.made = Counter((point.call, point.thread) for point in found)
        first = next(number for number, point in enumerate(found) if point.call == "flock")
        points = found[first + 1 :]
        assert not any(point.loads for point in points)
        assert {point.thread for point in points} == {0}  # a folder of this machine needs no other
        return points

    def restore(self) -> None:
        for name in (".crdtctl", "hub"):
            shutil.rmtree(self.home / name)
            shutil.copytree(self.home / f"kept{name}", self.home / name)
        shutil.rmtree(Path(self.environment["HOME"], ".local"), ignore_errors=True)  # as before the first run
        bind(self.directory, f"{self.home}/witness")

    def run(self, point: Point, how: str) -> Run:
        self.restore()
        others = [made for (call, thread), made in self.made.items() if call == point.call and thread != point.thread]
        times = max(others, default=0) // 2 * 2 + 2
        return run(
            self.words,
            self.environment,
            trace=point.call,
            inject=f"{point.call}:{how}:when={point.when + times}",
            program=self._program(point.call, point.thread, times),
        )

    def _program(self, call: str, thread: int, times: int) -> list[str]:
        options = ["-X", "utf8", "-B", "-P"]
        return [sys.executable, *options, str(padded.__file__), self.modules, call, str(thread), str(times)]

    def sweep(self, inject: str, chosen: Sequence[Point]) -> list[str]:
        """Run once for each chosen point; return the faults. `seen` counts the runs that did not succeed."""
        faults = []
        for point in chosen:
            ended = self.run(point, inject)
            self.seen += ended.status != 0
            found = [*self._of_the_end(point, ended, inject), *self._whole(), *self._goes_on(point)]
            faults += [f"{point.line[:100]}: {fault} {ended}" for fault in found]
        return faults

    def _of_the_end(self, point: Point, ended: Run, inject: str) -> list[str]:
        """Return the faults of its end, and of the files that it left."""
        name = inject.partition("=")[2]
        if inject == "signal=SIGKILL":
            return []
        faults = ["a traceback"] if "Traceback" in ended.stderr else []
        if inject.startswith("signal="):
            faults += [] if ended.status in ENDED[signal.Signals[name]] else ["another status"]
        elif ended.status == 0:
            faults += [] if Replica(self.directory).value("builds") == 113 else ["no message, and no merge"]
        else:
            faults += [] if ended.status in FAILED else ["an undocumented status"]
        drafts = [name for name in self._left_over() if name.endswith(".new")]
        if inject.startswith("signal="):
            drafts = [name for name in drafts if name.startswith(".crdtctl-")]  # a replica's own, the next write sweeps
        return faults if point.call.startswith("unlink") else [*faults, *(f"left over {name}" for name in drafts)]

    def _left_over(self) -> list[str]:
        places = [self.hub, self.directory, self.directory / "sync"]
        found = [path for place in places if place.exists() for path in place.iterdir()]
        return sorted(path.name for path in found if path.name.endswith(".new") or "crdtctl-sync-" in path.name)

    def _whole(self) -> list[str]:
        """Return the faults of the replica, and the objects that the folder lacks."""
        faults = [one.found for one in check_replica(str(self.directory)) if not one.ok]
        value = Replica(self.directory).value("builds")
        faults += [] if value in (13, 113) else [f"a third value {value}"]
        found = self._found_there()
        return faults if found in (103, 113) else [*faults, f"in the folder are {found}"]

    def _found_there(self) -> int:
        """Return the values of a new replica that reads the complete objects of the folder."""
        with_all = Replica.init(self.home / "fresh", name="fresh")
        try:
            objects = sorted(path for path in self.hub.iterdir() if not path.name.startswith("."))
            with_all.merge_bytes(*(path.read_bytes() for path in objects), all_or_nothing=True, check=False)
            return with_all.value("builds") if with_all.tags("builds") else 0
        finally:
            shutil.rmtree(self.home / "fresh")

    def _goes_on(self, point: Point) -> list[str]:
        """Return the faults that the next sync does not repair. An object that could not be deleted stays for a day."""
        report = synchronize(Replica(self.directory), str(self.hub))
        faults = [str(one.error) for one in report.remotes if one.error]
        faults += [str(reason) for reason in report.merge.refused.values()]
        names = [path.name for path in self.hub.iterdir() if not path.name.startswith(".")]
        faults += [] if len(names) in ((2, 3) if point.call == "unlink" else (2,)) else [f"{len(names)} objects"]
        faults += [] if Replica(self.directory).value("builds") == self._found_there() == 113 else ["not all is known"]
        faults += [f"still there: {name}" for name in self._left_over() if not name.startswith(".crdtctl-")]
        again = synchronize(Replica(self.directory), str(self.hub))
        return [*faults, "a sync without news changed something"] if again.changed else faults
