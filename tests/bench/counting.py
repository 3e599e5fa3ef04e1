"""Rows: one increment, one look-up."""

import subprocess
import time
from pathlib import Path

from tests.bench import amounts
from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.ground import Ground
from tests.bench.process import Wrong

#: These take milliseconds. Many turns cost little, and make the median steady.
_TURNS = 5


def _increment(ground: Ground, directory: Path, counter: int, already: int) -> Command:
    """Return the increment of a counter with the value `already`."""
    name = amounts.name(counter)

    def check(runs: int) -> None:
        value = ground.value(directory, name)
        if value != already + runs:
            raise Wrong(f"{name} is {value} after {runs} increments of {already}")

    return ground.ours(["increment", name], directory=directory, check=check)


def own(ground: Ground) -> Contest:
    """One of a few own counters, against a start of Python, and against other ways to count."""
    counter = ground.sizes.few // 2
    ours = _increment(ground, ground.few, counter, amounts.own(counter))
    others = [*_shell(ground), *_sqlite(ground), *_redis(ground), *_git(ground)]
    rivals = [Rival(ground.python_command("pass"), 1.0), *map(Rival, others)]
    return Contest(ours=ours, rivals=rivals, turns=_TURNS)


def beside(ground: Ground) -> Contest:
    """One increment in a replica that knows a large state, against one that knows none."""
    counter = ground.sizes.few // 2 + 1
    ours = _increment(ground, ground.beside, counter, amounts.own(counter) + ground.in_mine(counter))
    alone = _increment(ground, ground.few, counter, amounts.own(counter))
    alone.name = "crdtctl, nothing known"
    return Contest(ours=ours, rivals=[Rival(alone, 1.10)], turns=_TURNS)


def of_many(ground: Ground) -> Contest:
    """One of many own counters."""
    counter = ground.sizes.many // 2
    ours = _increment(ground, ground.many, counter, amounts.own(counter))
    return Contest(ours=ours, rivals=[Rival(ground.python_command("pass"), 1.6)], turns=_TURNS)


def show(ground: Ground) -> Contest:
    """One look-up in a large state."""
    counter = ground.sizes.counters // 2 + 1
    output = ground.root / "shown.txt"

    def check(runs: int) -> None:
        if output.read_text() != f"{ground.in_mine(counter)}\n":
            raise Wrong(f"{amounts.name(counter)} was shown as {output.read_text()}, not {ground.in_mine(counter)}")

    words = ["show", amounts.name(counter)]
    ours = ground.ours(words, directory=ground.beside, check=check, output=str(output))
    return Contest(ours=ours, rivals=[Rival(ground.python_command("pass"), 1.5)], turns=_TURNS)


# Other ways to count ------------------------------------------------------------------------------------


def _other(ground: Ground, shown: str, words: list[str], directory: Path, read: list[str]) -> Command:
    """Return another way to count; `read` prints the count."""

    def check(runs: int) -> None:
        counted = ground.call(read, directory).strip()
        if counted != str(runs):
            raise Wrong(f"{shown} counted {counted} in {runs} runs")

    return Command(name=shown, processes=[words], directory=str(directory), environment=ground.environment, check=check)


def _shell(ground: Ground) -> list[Command]:
    if missing("flock"):
        return []
    directory = ground.empty("shell")
    (directory / "f").write_text("0\n")
    words = [program("flock"), "f.lock", "sh", "-c", "echo $(( $(cat f) + 1 )) > f"]
    return [_other(ground, "`flock` and a shell line (not durable)", words, directory, ["cat", "f"])]


def _sqlite(ground: Ground) -> list[Command]:
    if missing("sqlite3"):
        return []
    directory = ground.empty("sqlite")
    names = ",".join(f"('{amounts.name(i)}', 0)" for i in range(ground.sizes.few))
    table = f"CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER); INSERT INTO counter VALUES {names};"
    ground.call(["sqlite3", "counters.db", table], directory)
    counter = amounts.name(ground.sizes.few // 2)
    update = f"PRAGMA synchronous=FULL; UPDATE counter SET value = value + 1 WHERE name = '{counter}';"
    read = ["sqlite3", "counters.db", f"SELECT value FROM counter WHERE name = '{counter}'"]
    words = [program("sqlite3"), "counters.db", update]
    return [_other(ground, "`sqlite3`, synchronous=FULL", words, directory, read)]


def _redis(ground: Ground) -> list[Command]:
    if missing("redis-server", "redis-cli"):
        return []
    directory = ground.empty("redis")
    client = serve_redis(ground, directory)
    words = [*client, "INCR", "counter"]
    return [_other(ground, "`redis-cli`, appendfsync always", words, directory, [*client, "GET", "counter"])]


def serve_redis(ground: Ground, directory: Path) -> list[str]:
    """Start a server that makes each change durable; return the words of its client, to be run in the directory."""
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    words = [program("redis-server"), "--port", "0", "--unixsocket", "redis.sock", *durable]
    server = subprocess.Popen(
        words, cwd=directory, env=ground.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    ground.stack.callback(server.wait)
    ground.stack.callback(server.terminate)
    client = [program("redis-cli"), "-s", "redis.sock"]
    deadline = time.monotonic() + 10
    while True:
        try:
            if ground.call([*client, "ping"], directory).strip() == "PONG":
                break
        except Wrong:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
        time.sleep(0.05)
    return client


def _git(ground: Ground) -> list[Command]:
    if missing("git"):
        return []
    directory = ground.empty("git")
    (directory / "f").write_text("0\n")
    for words in (["init", "--quiet"], ["add", "f"], ["commit", "--quiet", "-m", "start"]):
        ground.call(["git", *words], directory)
    words = [program("sh"), "-c", "echo $(( $(cat f) + 1 )) > f && git commit --quiet --all -m count"]
    return [_other(ground, "`git commit` of a file (not durable)", words, directory, ["git", "show", "HEAD:f"])]
