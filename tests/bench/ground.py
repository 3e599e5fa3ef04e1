"""The temporary directory of a run, and the replicas and files in it, each made when it is first needed."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench import amounts
from tests.bench.amounts import Author
from tests.bench.contest import Command
from tests.bench.process import Wrong

#: File systems that keep nothing on a disk: fsync costs nothing there.
IN_MEMORY = {"tmpfs", "ramfs"}
_CHECKOUT = Path(__file__).parents[2]
_PACKAGE = _CHECKOUT / "crdtctl"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of all states and files."""

    few: int = 1_000
    many: int = 100_000
    counters: int = 100_000
    authors: int = 10
    lines: int = 1_000_000
    names: int = 1_000
    states: int = 1_000
    singles: int = 50

    @property
    def entries(self) -> int:
        """Return the number of entries in a large state."""
        return self.counters * self.authors


QUICK = Sizes(few=1_000, many=20_000, counters=20_000, lines=200_000, states=100, singles=10)


def file_system(directory: str) -> str:
    """Return the type of the file system of a directory; empty if it is unknown."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split(" ")[1:3] for line in file]
    except FileNotFoundError:
        return ""
    real = os.path.realpath(directory)
    found = [(len(point), kind) for point, kind in mounts if Path(real).is_relative_to(point)]
    return max(found, default=(0, ""))[1]


def place_to_work() -> str:
    """Return a directory for temporary files that is on a disk, if there is one."""
    places = [tempfile.gettempdir(), "/var/tmp", os.getcwd()]
    places = [place for place in places if os.access(place, os.W_OK)]
    return next((place for place in places if file_system(place) not in IN_MEMORY), places[0])


def _installed(place: Path, environment: Mapping[str, str]) -> Path:
    """Install a copy of the program as users do, beside links to all other packages; return where its scripts are.

    An editable installation, as of developers, takes longer to start.
    """
    venv.create(place, symlinks=True, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.suffix != ".pth" and not path.name.startswith(("crdtctl", "_", ".")):
            (packages / path.name).symlink_to(path)
    shutil.copytree(_PACKAGE, packages / "crdtctl", ignore=shutil.ignore_patterns("__pycache__"))
    scripts = place / "bin"
    subprocess.run([scripts / "python3", "-m", "compileall", "-q", packages / "crdtctl"], env=environment, check=True)
    shutil.copy(_PACKAGE / "bin" / "crdtctl", scripts)
    return scripts


@dataclass(frozen=True, slots=True)
class Saved:
    """A replica whose ``known.json`` is restored before each measured merge."""

    directory: Path
    known: Path

    def restore(self) -> None:
        """Restore it, and flush it to the disk, so that no later fsync waits for it."""
        draft = self.directory / "restored"
        shutil.copyfile(self.known, draft)
        fd = os.open(draft, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        draft.replace(self.directory / "known.json")


class Ground:
    """A temporary directory, the environment of every process, and the files that they use."""

    def __init__(self, root: Path, sizes: Sizes, stack: ExitStack) -> None:
        self.root = root
        self.sizes = sizes
        self.stack = stack
        self.environment = self._environment(root)
        scripts = _installed(root / "installed", self.environment)
        self.crdtctl, self.python = str(scripts / "crdtctl"), str(scripts / "python3")

    @staticmethod
    def _environment(root: Path) -> Mapping[str, str]:
        ours = ("CRDTCTL", "_CRDTCTL", "XDG_", "GIT_", "PYTHONDONTWRITEBYTECODE", "GITHUB_", "AWS_", "RCLONE_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        person = {"NAME": "bench", "EMAIL": "bench@example.org"}
        git = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        return {**kept, **git, "HOME": str(root), "LC_ALL": "C.UTF-8"}

    def call(self, words: Sequence[str | Path], directory: Path | None = None) -> str:
        """Run a program without measuring it; return its output. Raise `Wrong` if it fails."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=directory or self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Wrong(f"'{' '.join(map(str, words))}' ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def ours(
        self,
        *processes: Sequence[str | Path],
        directory: Path,
        check: Callable[[int], None],
        output: str = os.devnull,
        prepare: Callable[[], None] | None = None,
        scale: float = 1,
    ) -> Command:
        """Return our program with some arguments, to be measured in the directory of a replica."""
        command = Command(
            name="crdtctl",
            processes=[[self.crdtctl, *map(str, words)] for words in processes],
            directory=str(directory),
            environment=self.environment,
            output=output,
            check=check,
            scale=scale,
            is_silent=True,
        )
        if prepare is not None:
            command.prepare = prepare
        return command

    def python_command(self, program: str) -> Command:
        """Return a start of Python, to be measured."""
        words = [self.python, "-c", program]
        shown = f"`python -c {program}`" if " " not in program else f"`python -c '{program}'`"
        return Command(name=shown, processes=[words], directory=str(self.empty("python")), environment=self.environment)

    def empty(self, name: str) -> Path:
        """Return a directory of this name, made now unless it is there."""
        directory = self.root / name
        directory.mkdir(exist_ok=True)
        return directory

    def replica(self, name: str) -> Path:
        """Make a replica in a new directory; return that directory."""
        directory = self.empty(name)
        self.call([self.crdtctl, "init", "--name", name], directory)
        return directory

    def batch(self, directory: Path, lines: Iterable[str], verb: str = "increment") -> None:
        """Run a batch of lines on the replica in a directory."""
        file = directory / "batch.txt"
        with file.open("w") as batch:
            batch.writelines(f"{line}\n" for line in lines)
        self.call([self.crdtctl, verb, "--batch", file], directory)
        file.unlink()

    def export(self, directory: Path, file: Path) -> None:
        """Write the state of the replica in a directory to a file."""
        self.call([self.crdtctl, "export", "-o", file], directory)

    def value(self, directory: Path, name: str) -> int:
        """Return the value of one counter in the replica in a directory."""
        return int(self.call([self.crdtctl, "show", name], directory))

    def expect_values(self, directory: Path, values: Callable[[int], int], counters: int) -> None:
        """Raise `Wrong` unless the replica in a directory has exactly these counters."""
        file = directory / "values.txt"
        with file.open("w") as output:
            words = [self.crdtctl, "show", "--format", "csv"]
            subprocess.run(words, cwd=directory, env=self.environment, stdout=output, check=True)
        with file.open() as lines:
            next(lines)
            count = 0
            for line in lines:
                name, _, value = line.rstrip("\r\n").split(",")
                if name != amounts.name(count) or int(value) != values(count):
                    raise Wrong(f"{name} is {value} in {directory.name}; {amounts.name(count)} is {values(count)}")
                count += 1
        if count != counters:
            raise Wrong(f"there are {count} counters in {directory.name}, not {counters}")

    # Replicas with counters of their own ----------------------------------------------------------------

    def _counting(self, name: str, counters: int) -> Path:
        directory = self.replica(name)
        self.batch(directory, (f"{amounts.name(i)} {amounts.own(i)}" for i in range(counters)))
        return directory

    @cached_property
    def few(self) -> Path:
        """A replica with a few own counters."""
        return self._counting("few", self.sizes.few)

    @cached_property
    def many(self) -> Path:
        """A replica with many own counters."""
        return self._counting("many", self.sizes.many)

    @cached_property
    def beside(self) -> Path:
        """A replica with a few own counters that knows a large state, `mine`."""
        return self.knowing("beside")

    def knowing(self, name: str) -> Path:
        """Return a new replica with a few own counters that knows a large state, `mine`."""
        directory = self._counting(name, self.sizes.few)
        self.call([self.crdtctl, "merge", self.mine], directory)
        return directory

    # Large states ---------------------------------------------------------------------------------------

    @cached_property
    def authors(self) -> list[Author]:
        """The replicas with entries in the large states."""
        last = self.sizes.authors - 1
        return [Author(number, number == last) for number in range(self.sizes.authors)]

    @cached_property
    def _parts(self) -> Path:
        """The authors' own states: ``first-N.json``, ``last-N.json`` and, of the last author, ``few.json``."""
        parts = self.empty("parts")
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda author: self._work(author, parts), self.authors))
        return parts

    @property
    def first_states(self) -> list[Path]:
        """The states of the authors, of one each, as they were at first."""
        return [self._parts / f"first-{author.number}.json" for author in self.authors]

    def _work(self, author: Author, parts: Path) -> None:
        counters = range(self.sizes.counters)
        directory = self.replica(f"author-{author.number}")
        self.batch(directory, (f"{amounts.name(i)} {author.up(i)}" for i in counters))
        self.batch(directory, (f"{amounts.name(i)} {author.down(i)}" for i in counters), "decrement")
        self.export(directory, parts / f"first-{author.number}.json")
        if author.is_last:
            self.batch(directory, (f"{amounts.name(i)} {author.few(i)}" for i in counters if author.few(i)))
            self.export(directory, parts / "few.json")
        self.batch(directory, (f"{amounts.name(i)} {author.later(i)}" for i in counters))
        self.export(directory, parts / f"last-{author.number}.json")
        shutil.rmtree(directory)

    def _is_ahead_in_mine(self, author: Author) -> bool:
        return author.number < self.sizes.authors // 2

    def _state(self, name: str, files: Iterable[str]) -> Path:
        directory = self.replica(f"collects-{name}")
        self.call([self.crdtctl, "merge", *(self._parts / file for file in files)], directory)
        state = self.root / f"{name}.json"
        self.export(directory, state)
        shutil.rmtree(directory)
        return state

    @cached_property
    def mine(self) -> Path:
        """A large state: half of the authors as they were at last, half as they were at first."""
        halves = {True: "last", False: "first"}
        return self._state("mine", (f"{halves[self._is_ahead_in_mine(a)]}-{a.number}.json" for a in self.authors))

    @cached_property
    def theirs(self) -> Path:
        """The other halves: each of its entries differs from the one in `mine`."""
        halves = {True: "first", False: "last"}
        return self._state("theirs", (f"{halves[self._is_ahead_in_mine(a)]}-{a.number}.json" for a in self.authors))

    @cached_property
    def nearly_mine(self) -> Path:
        """`mine`, with a newer entry in one of a hundred lines."""
        directory = self.replica("collects-nearly")
        self.call([self.crdtctl, "merge", self.mine, self._parts / "few.json"], directory)
        state = self.root / "nearly.json"
        self.export(directory, state)
        shutil.rmtree(directory)
        return state

    def in_mine(self, counter: int) -> int:
        """Return the value of a counter in `mine`."""
        return sum(a.at_last(counter) if self._is_ahead_in_mine(a) else a.at_first(counter) for a in self.authors)

    def in_both(self, counter: int) -> int:
        """Return the value of a counter after a merge of `mine` and `theirs`."""
        return sum(author.at_last(counter) for author in self.authors)

    def in_nearly_mine(self, counter: int) -> int:
        """Return the value of a counter in `nearly_mine`."""
        return self.in_mine(counter) + self.authors[-1].few(counter)

    def saved(self, name: str, *states: Path) -> Saved:
        """Make a replica that knows these states, and that can be restored."""
        directory = self.replica(name)
        self.call([self.crdtctl, "merge", *states], directory)
        known = self.root / f"{name}.known"
        shutil.copyfile(directory / ".crdtctl" / "known.json", known)
        return Saved(directory / ".crdtctl", known)

    # Other files ----------------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> Path:
        """A file with a counter's name on each line."""
        file = self.root / "lines.txt"
        with file.open("w") as lines:
            lines.writelines(f"{amounts.batch_name(i, self.sizes.names)}\n" for i in range(self.sizes.lines))
        return file

    @cached_property
    def visitors(self) -> Path:
        """A file with another visitor on each line."""
        file = self.root / "visitors.txt"
        with file.open("w") as lines:
            lines.writelines(f"{amounts.visitor(i)}\n" for i in range(self.sizes.lines))
        return file

    @cached_property
    def small(self) -> Path:
        """A directory of many small states: ``0.json``, ``1.json``, …"""
        directory = self.empty("small")
        words = [self.python, "-m", "tests.bench.small_states", str(directory), str(self.sizes.states)]
        self.call(words, _CHECKOUT)
        return directory
