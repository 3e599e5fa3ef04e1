"""Fixtures: real processes in real directories."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from crdtctl import Replica
from crdtctl.store.check import check_replica

# No test asserts a time, so neither does Hypothesis: on a busy machine it would call anything too slow.
untimed = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("dev", untimed, max_examples=100)
hypothesis.settings.register_profile("quick", untimed, max_examples=20, derandomize=True)
hypothesis.settings.register_profile("brief", untimed, max_examples=100, derandomize=True)
hypothesis.settings.register_profile("ci", untimed, max_examples=500, derandomize=True)
hypothesis.settings.register_profile("nightly", untimed, max_examples=20_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell lets what runs in the background ignore SIGINT, and so would every program that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Have two workers for each core: with one, cores idle while tests wait for disks, servers and signals."""
    cores = yield
    return cores if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else 2 * cores


#: Seconds for each example of a property: a profile with more examples has more time, however busy the machine is.
_SECONDS_PER_EXAMPLE = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    profile = hypothesis.settings.default or hypothesis.settings()
    seconds = _SECONDS_PER_EXAMPLE * profile.max_examples
    for item in items:
        test = getattr(item, "obj", None)
        if getattr(test, "is_hypothesis_test", False) or hasattr(getattr(item, "cls", None), "settings"):
            item.add_marker(pytest.mark.timeout(max(120, seconds)))


PROGRAM = [str(Path(sys.executable).parent / "crdtctl")]
if not Path(PROGRAM[0]).exists() or "PYTHONPATH" in os.environ:  # the script does not look at PYTHONPATH
    PROGRAM = [sys.executable, "-P", "-m", "crdtctl"]


#: What is found for as long as people have not settled it.
_TOLD = ("several writers", "counts for each", "may count twice", "initial rights")


@dataclass(frozen=True)
class Result:
    """How a process ended, and what it wrote."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Shell:
    """Runs the program as a user would: a process of its own, in a directory, off a terminal."""

    directory: Path
    environment: Mapping[str, str]

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes = b"",
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Result:
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=directory or self.directory,
            env={**self.environment, **(environment or {})},
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str | Path, stdin: str | bytes = b"") -> str:
        """Run, expect status 0 and a silent stderr, and return stdout."""
        ended = self(*arguments, stdin=stdin)
        assert (ended.status, ended.stderr) == (0, "")
        return ended.stdout


@pytest.fixture(autouse=True)
def _witnesses_elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what replicas leave in a user's state directory out of the real one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def _sound_in_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check every replica below the test's directory in the end, unless it is marked as one that harms them."""
    place: Path | None = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if place is None or request.node.get_closest_marker("harms_replicas"):
        return
    for own in place.rglob("own.json"):
        if own.with_name("own.lock").exists():
            assert_sound(Replica(own.parent))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment without settings of ours, whose home is empty."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("CRDTCTL", "_CRDTCTL", "XDG_", "GITHUB_", "COLUMNS"))
    }
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str]) -> Shell:
    """Return a shell in an empty directory, with no replica anywhere."""
    here = tmp_path / "here"
    here.mkdir()
    return Shell(here, environment)


@pytest.fixture
def replica(shell: Shell) -> Iterator[Replica]:
    """Make a replica in the shell's directory, found by every command there. It is checked after the test."""
    made = Replica.init(shell.directory / ".crdtctl", name="here")
    yield made
    assert_sound(made)


def assert_sound(replica: Replica) -> None:
    """Assert that everything that can be verified of a replica is right, but for what a test did to whole fleets."""
    faults = [finding.found for finding in check_replica(replica.path) if not finding.ok]
    assert [found for found in faults if not any(told in found for told in _TOLD)] == []


@pytest.fixture
def new_replica(tmp_path: Path) -> Iterator[Callable[[str], Replica]]:
    """Make replicas by name. They are checked after the test."""
    made: list[Replica] = []

    def make(name: str) -> Replica:
        made.append(Replica.init(tmp_path / "replicas" / name, name=name))
        return made[-1]

    yield make
    for replica in made:
        assert_sound(replica)
