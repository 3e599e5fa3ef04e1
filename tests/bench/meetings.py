"""Rows: syncs among many replicas, beside a tool that only copies the same files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.ground import Ground
from tests.bench.process import Wrong
from tests.support import crowd

#: The replica whose object changes.
_WHO = 7
#: The number of counters of each replica.
_COUNTERS = 100
#: The number of objects in a small folder, the limit of a sync with it, and how many turns its row takes more.
_FEW = 10
_FEW_LIMIT = 2.5
_TURNS = 3
#: As many files at once as `Cloud` reads, and no request for the time of each file, which crdtctl does not need either.
_AS_WE_DO = ("--transfers", "16", "--checkers", "16", "--use-server-modtime")
#: The modules that the rows of a bucket need.
_FOR_BUCKETS = ("obstore", "moto", "flask", "flask_cors", "boto3")


@dataclass
class Place:
    """A place for objects: its URLs for crdtctl and rclone, its directory, a function that publishes an object.

    `limits` are the largest ratios of our seconds to those of rclone, by the kind of contest. From a folder, `rsync` is
    another rival.
    """

    url: str
    other: str
    environment: Mapping[str, str]
    directory: Path
    publish: Callable[[Path, set[str]], object]
    meters: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    commits: int = 1
    limits: Mapping[str, float] = field(default_factory=dict)
    is_folder: bool = False

    def change(self) -> None:
        """Let one replica count, and upload its new object."""
        self.commits += 1
        before = {file.name for file in self.directory.glob(f"{crowd.identity(_WHO)}.*")}
        self.publish(crowd.put(self.directory, _WHO, range(_COUNTERS), self.commits), before)

    def value(self, states: int) -> int:
        """Return the value of the first counter."""
        return sum(crowd.amount(one, 0, self.commits if one == _WHO else 1) for one in range(states))


@cache
def folder(ground: Ground) -> Place:
    """Return a folder with the objects of many replicas."""
    directory = _objects(ground, "in-a-folder")
    limits = {"without-news": 1.0, "first": 1.5}
    place = Place(str(directory), str(directory), {}, directory, lambda _new, _before: None, is_folder=True)
    place.limits = limits
    return place


@cache
def bucket(ground: Ground) -> Place:
    """Return a bucket with the objects of many replicas, at a server on this machine."""
    from tests.support.servers import s3

    directory = _objects(ground, "in-a-bucket")
    server = ground.stack.enter_context(s3.serving(ground.empty("s3")))
    name = server.new_bucket()
    client = server.client("s3")

    def publish(new: Path, before: set[str]) -> None:
        client.put_object(Bucket=name, Key=new.name, Body=new.read_bytes())
        for old in before - {new.name}:
            client.delete_object(Bucket=name, Key=old)

    for file in sorted(directory.iterdir()):
        publish(file, set())
    environment = {
        **server.environment,
        "RCLONE_CONFIG_HERE_TYPE": "s3",
        "RCLONE_CONFIG_HERE_PROVIDER": "Other",
        "RCLONE_CONFIG_HERE_ENV_AUTH": "true",
        "RCLONE_CONFIG_HERE_ENDPOINT": server.url,
    }
    meters = {"requests": lambda: len(server.requests(name)), "bytes": _over_loopback}
    return Place(f"s3://{name}", f"here:{name}", environment, directory, publish, meters)


def _over_loopback() -> int:
    """Return the number of bytes that this machine has sent to itself, with the headers of packets."""
    [line] = [one for one in Path("/proc/net/dev").read_text().splitlines() if one.strip().startswith("lo:")]
    return int(line.partition(":")[2].split()[0])


def can_serve_buckets() -> bool:
    """Return whether the rows of a bucket have all modules that they need."""
    return Path("/proc/net/dev").exists() and all(find_spec(module) is not None for module in _FOR_BUCKETS)


def _objects(ground: Ground, name: str, states: int = 0) -> Path:
    directory = ground.root / name
    crowd.meeting(directory, states or ground.sizes.states, _COUNTERS)
    return directory


# The rows -----------------------------------------------------------------------------------------------


def object_size() -> int:
    """Return the size of the object of a replica, in bytes."""
    return len(crowd.state(0, range(_COUNTERS)))


def without_news(ground: Ground, made: Callable[[Ground], Place]) -> Contest:
    """Sync a replica that has all objects already."""
    return _contest(ground, made(ground), "without-news", _nothing)


def one_changed(ground: Ground, made: Callable[[Ground], Place]) -> Contest:
    """Sync a replica after one object changed."""
    place = made(ground)
    return _contest(ground, place, "one-changed", lambda _: place.change())


def first(ground: Ground, made: Callable[[Ground], Place]) -> Contest:
    """Sync a replica that has no object yet."""
    return _contest(ground, made(ground), "first", _forget)


def few_without_news(ground: Ground) -> Contest:
    """Sync a replica with a folder of a few objects, which it has all, beside a bare start of Python."""
    place = _objects(ground, "in-a-small-folder", _FEW)
    directory = ground.replica("few-without-news")

    def check(_: int) -> None:
        expected = sum(crowd.amount(one, 0, 1) for one in range(_FEW))
        if ground.value(directory, crowd.counter(0)) != expected:
            raise Wrong(f"after a sync with {place}, a counter is wrong")

    ours = ground.ours(["sync", str(place)], directory=directory, check=check)
    return Contest(ours=ours, rivals=[Rival(ground.python_command("pass"), _FEW_LIMIT)], turns=_TURNS)


def _nothing(_: Path) -> None:
    pass


def _forget(directory: Path) -> None:
    """Remove the counts of other replicas from a replica, and all files from a copy."""
    replica = directory / ".crdtctl"
    if replica.exists():
        (replica / "known.json").unlink(missing_ok=True)
        shutil.rmtree(replica / "sync", ignore_errors=True)
    else:
        shutil.rmtree(directory)


def _contest(ground: Ground, place: Place, what: str, prepare: Callable[[Path], None]) -> Contest:
    states = ground.sizes.states
    environment = {**ground.environment, **place.environment}
    name = f"{what}-{place.directory.name}"
    directory = ground.replica(name)

    def check(_: int) -> None:
        Command(
            name="sync",
            processes=[[ground.crdtctl, "sync", place.url]],
            directory=str(directory),
            environment=environment,
        ).run()
        if ground.value(directory, crowd.counter(0)) != place.value(states):
            raise Wrong(f"after a sync with {place.url}, a counter is wrong")

    ours = ground.ours(["sync", place.url], directory=directory, check=check, prepare=partial(prepare, directory))
    ours.environment = environment
    ours.meters = place.meters
    words = {"rclone": ["copy", *_AS_WE_DO, place.other], "rsync": ["--archive", f"{place.other}/"]}
    rivals = [
        Rival(
            _copying(ground, place, tool, words[tool], prepare, ground.root / f"{name}-{tool}"),
            place.limits.get(what) if tool == "rclone" else None,
        )
        for tool in ("rclone", "rsync")
        if not missing(tool) and (tool == "rclone" or place.is_folder)
    ]
    return Contest(ours=ours, rivals=rivals)


def _copying(
    ground: Ground, place: Place, tool: str, words: list[str], prepare: Callable[[Path], None], copy: Path
) -> Command:
    """Return the command of a tool that copies all files of a place to the directory `copy`."""
    states = ground.sizes.states

    def check(_: int) -> None:
        if len(list(copy.iterdir())) < states:
            raise Wrong(f"{tool} copied {len(list(copy.iterdir()))} of {states} files")

    return Command(
        name="`rclone copy` of the files" if tool == "rclone" else "`rsync` of the files",
        processes=[[program(tool), *words, str(copy)]],
        directory=str(ground.empty(tool)),
        environment={**ground.environment, **place.environment},
        prepare=lambda: prepare(copy) if copy.exists() else None,
        check=check,
        meters=place.meters,
    )
