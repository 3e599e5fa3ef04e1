"""Rows: batches and merges."""

import json
import os
import shutil
from collections import Counter
from itertools import product
from pathlib import Path

from crdtctl.store.parallel import cores
from tests.bench import amounts
from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.counting import serve_redis
from tests.bench.ground import Ground
from tests.bench.process import Wrong
from tests.support.handwritten import with_checksum

_AWK = "{c[$1]+=1} END{for(k in c) print k, c[k]}"
_MEGABYTE = 1_000_000


def batch(ground: Ground) -> Contest:
    """Many lines over a few names, as one commit."""
    directory = ground.replica("batch")
    sizes = ground.sizes
    expected = Counter(amounts.batch_name(line, sizes.names) for line in range(sizes.lines))

    def check(runs: int) -> None:
        ground.expect_values(directory, lambda i: runs * expected[amounts.name(i)], sizes.names)

    ours = ground.ours(["increment", "--batch", ground.lines], directory=directory, check=check)
    return Contest(ours=ours, rivals=[Rival(awk, 1.5) for awk in _awk(ground, expected)])


def stream(ground: Ground) -> Contest:
    """Count the same lines in groups, each acknowledged when it is on disk."""
    directory = ground.replica("stream")
    sizes = ground.sizes
    expected = Counter(amounts.batch_name(line, sizes.names) for line in range(sizes.lines))

    def check(runs: int) -> None:
        ground.expect_values(directory, lambda i: runs * expected[amounts.name(i)], sizes.names)

    words: list[str | Path] = ["increment", "--stream", ground.lines, "--lines", "names"]
    ours = ground.ours(words, directory=directory, check=check, output=str(ground.root / "stream.txt"))
    return Contest(ours=ours, rivals=[*map(Rival, _awk(ground, expected)), *map(Rival, _piped_redis(ground, expected))])


def _piped_redis(ground: Ground, expected: Counter[str]) -> list[Command]:
    """Return the count of the lines by a server, in one pipeline of increments."""
    if missing("redis-server", "redis-cli"):
        return []
    directory = ground.empty("redis-pipe")
    client = serve_redis(ground, directory)
    orders = directory / "orders.txt"
    with ground.lines.open() as lines, orders.open("w") as file:
        for line in lines:
            file.write(f"INCR {line}")
    name = amounts.name(1)

    def check(runs: int) -> None:
        if ground.call([*client, "GET", name], directory).strip() != str(runs * expected[name]):
            raise Wrong("redis counted the lines otherwise")

    redis = Command(
        name="`redis-cli --pipe`, appendfsync always",
        processes=[[program("sh"), "-c", f"exec {' '.join(client)} --pipe <orders.txt"]],
        directory=str(directory),
        environment=ground.environment,
        output=str(ground.root / "redis.txt"),
        check=check,
    )
    return [redis]


def _awk(ground: Ground, expected: Counter[str]) -> list[Command]:
    """Return the count of the lines by awk, which writes nothing to disk."""
    if missing("awk"):
        return []
    output = ground.root / "awk.txt"

    def check(runs: int) -> None:
        counted = dict(line.split() for line in output.read_text().splitlines())
        if counted != {name: str(count) for name, count in expected.items()}:
            raise Wrong("awk counted the lines otherwise")

    awk = Command(
        name=f"`awk` ({os.path.basename(os.path.realpath(program('awk')))})",
        processes=[[program("awk"), _AWK, str(ground.lines)]],
        directory=str(ground.empty("awk")),
        environment=ground.environment,
        output=str(output),
        check=check,
    )
    return [awk]


def distinct(ground: Ground) -> Contest:
    """Estimate the number of different lines, where all differ."""
    return _sketched(ground, "distinct", ground.visitors, ground.sizes.lines)


def repeated(ground: Ground) -> Contest:
    """Estimate the number of different lines, where few differ."""
    return _sketched(ground, "repeated", ground.lines, ground.sizes.names)


def _sketched(ground: Ground, name: str, file: Path, expected: int) -> Contest:
    directory = ground.replica(name)
    ground.call([ground.crdtctl, "create", name, "--type", "hll"], directory)

    def check(runs: int) -> None:
        found = ground.value(directory, name)
        if abs(found - expected) > 5 * 0.01625 * expected:
            raise Wrong(f"{found} different lines were estimated, and there are {expected}")

    ours = ground.ours(["add", name, "--batch", file], directory=directory, check=check)
    return Contest(ours=ours, rivals=[Rival(sort, 2) for sort in _sort(ground, file, expected)])


def _sort(ground: Ground, file: Path, expected: int) -> list[Command]:
    """Return the exact count by sort, which writes nothing to disk. It is faster in the order of bytes."""
    if missing("sort", "wc", "sh"):
        return []
    output = ground.root / "sorted.txt"

    def check(runs: int) -> None:
        if int(output.read_text()) != expected:
            raise Wrong("sort found another number of different lines")

    words = [program("sh"), "-c", 'sort -u "$1" | wc -l', "sh", str(file)]
    return [
        Command(
            name=f"`{locale}sort -u` and `wc -l`",
            processes=[words],
            directory=str(ground.empty("sort")),
            environment={**ground.environment, **variables},
            output=str(output),
            check=check,
        )
        for locale, variables in (("", {}), ("LC_ALL=C ", {"LC_ALL": "C"}))
    ]


def _jq(ground: Ground, other: Path) -> list[Command]:
    """Return the merge of two large states by jq: objects are joined, and of two arrays the second is taken."""
    if missing("jq"):
        return []
    words = [program("jq"), "-s", ".[0] * .[1]", str(ground.mine), str(other)]
    directory = str(ground.empty("jq"))
    return [
        Command(name="`jq -s '.[0] * .[1]'`", processes=[words], directory=directory, environment=ground.environment)
    ]


def merge_all_different(ground: Ground) -> Contest:
    """Two large states that differ in every entry."""
    saved = ground.saved("all", ground.mine)
    directory = saved.directory.parent

    def check(runs: int) -> None:
        ground.expect_values(directory, ground.in_both, ground.sizes.counters)

    ours = ground.ours(["merge", ground.theirs], directory=directory, check=check, prepare=saved.restore)
    limit = 0.15 if cores() > 1 else 0.25
    rivals = [Rival(jq, limit) for jq in _jq(ground, ground.theirs)]
    return Contest(ours=ours, rivals=rivals, memory_limit=48 * _MEGABYTE)


def merge_few_different(ground: Ground) -> Contest:
    """Two large states that differ in one line of a hundred."""
    saved = ground.saved("few-different", ground.mine)
    directory = saved.directory.parent

    def check(runs: int) -> None:
        ground.expect_values(directory, ground.in_nearly_mine, ground.sizes.counters)

    ours = ground.ours(["merge", ground.nearly_mine], directory=directory, check=check, prepare=saved.restore)
    rivals = [Rival(jq) for jq in _jq(ground, ground.nearly_mine)]
    return Contest(ours=ours, rivals=rivals)


def merge_many(ground: Ground) -> Contest:
    """Many small states at once, against one after the other."""
    states, singles = ground.sizes.states, ground.sizes.singles
    files = [ground.small / f"{number}.json" for number in range(states)]
    first = ground.small / f"{states - 1}.json"
    together = ground.saved("together", first)
    apart = ground.saved("apart", first)
    ours = ground.ours(
        ["merge", *files],
        directory=together.directory.parent,
        check=lambda runs: expect_small(ground, together.directory.parent, range(states)),
        prepare=together.restore,
    )
    # Not the last, which is known already.
    each = ground.ours(
        *(["merge", str(file)] for file in files[:singles]),
        directory=apart.directory.parent,
        check=lambda runs: expect_small(ground, apart.directory.parent, range(singles), states - 1),
        prepare=apart.restore,
        scale=states / singles,
    )
    each.name = f"{states:,} single merges ({singles} measured × {states // singles})"
    return Contest(ours=ours, rivals=[Rival(each, 0.1)])


def absorb_many(ground: Ground) -> Contest:
    """Absorb the sealed states of many jobs at once, against a merge of their states before the seal."""
    states = ground.sizes.states
    contestants = []
    for verb, prefix in (("absorb", "sealed-"), ("merge", "")):
        directory = ground.root / f"{verb}s"

        def begin(directory: Path = directory) -> None:
            shutil.rmtree(directory, ignore_errors=True)
            ground.replica(directory.name)

        def check(runs: int, directory: Path = directory) -> None:
            expect_small(ground, directory, range(states))

        begin()
        files = [ground.small / f"{prefix}{number}.json" for number in range(states)]
        contestants.append(ground.ours([verb, *files], directory=directory, check=check, prepare=begin))
    ours, rival = contestants
    rival.name = "`crdtctl merge` of them"
    return Contest(ours=ours, rivals=[Rival(rival)])


def absorb_ten_times_as_many(ground: Ground) -> Contest:
    """Absorb ten times as many sealed states, those of other replicas with the same counts, against one of each."""
    states = ground.sizes.states
    contestants = []
    for name, times in (("absorbs-ten-times", 10), ("absorbs-one-time", 1)):
        directory = ground.root / name

        def begin(directory: Path = directory) -> None:
            shutil.rmtree(directory, ignore_errors=True)
            ground.replica(directory.name)

        def check(runs: int, directory: Path = directory, times: int = times) -> None:
            expect_small(ground, directory, range(states), times=times)

        begin()
        files = directory.with_suffix(".txt")
        with files.open("w") as listed:
            for number, copy in product(range(states), range(times)):
                print(_sealed_copy(ground, number, copy), file=listed)
        words: list[str | Path] = ["absorb", "--files-from", files]
        contestants.append(ground.ours(words, directory=directory, check=check, prepare=begin))
    ours, once = contestants
    once.name = f"{states:,} of them"
    return Contest(ours=ours, rivals=[Rival(once, 11)])


def _sealed_copy(ground: Ground, number: int, copy: int) -> Path:
    """Return a sealed small state, or a copy of it under another replica id."""
    file = ground.small / f"sealed-{number}.json"
    if not copy:
        return file
    text = file.read_text()
    replica = json.loads(text)["replica"]
    other = f"{replica[:-2]}{(int(replica[-2:], 16) + copy) % 256:02x}"
    copied = ground.empty("sealed") / f"{number}-{copy}.json"
    body = text[: text.rindex('},"crc32"')].replace(replica, other)
    copied.write_bytes(with_checksum(body))
    return copied


def expect_small(ground: Ground, directory: Path, states: range, also: int | None = None, times: int = 1) -> None:
    """Raise `Wrong` unless exactly these small states were merged, each of them so many `times`."""
    expected = Counter({name: times * total for name, total in amounts.small_total(states).items()})
    if also is not None:
        expected.update(amounts.small(also))
    shown = ground.call([ground.crdtctl, "show", "--format", "tsv"], directory)
    found = {name: int(value) for name, _, value in (line.split("\t") for line in shown.splitlines())}
    if found != dict(expected):
        raise Wrong(f"the total of the small states is not right in {directory}")
