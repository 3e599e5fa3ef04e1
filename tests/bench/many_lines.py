"""Rows: states of one replica each, states without news, and the values of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bench import amounts
from tests.bench.bulk import expect_small
from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.ground import Ground, Saved

_MEGABYTE = 1_000_000
_TOTALS = """.counters | to_entries[] | .key as $name | .value | to_entries[]
    | [$name, .key, ([.value[][1]] | add) - ([.value[][2]] | add)] | @tsv"""


def _empty(ground: Ground, name: str) -> tuple[Path, Callable[[], None]]:
    """Return the directory of a replica, and a function that makes it know nothing again."""
    directory = ground.replica(name)
    return directory, lambda: (directory / ".crdtctl" / "known.json").unlink(missing_ok=True)


def _jq(ground: Ground, *words: str | Path, name: str) -> list[Command]:
    if missing("jq"):
        return []
    processes = [[program("jq"), *map(str, words)]]
    return [Command(name=name, processes=processes, directory=str(ground.empty("jq")), environment=ground.environment)]


def merge_of_one_author_each(ground: Ground) -> Contest:
    """Merge large states of one replica each, as the objects of a sync, into a replica that knows nothing."""
    directory, forget = _empty(ground, "one-author-each")
    files = ground.first_states

    def check(runs: int) -> None:
        ground.expect_values(directory, lambda i: sum(a.at_first(i) for a in ground.authors), ground.sizes.counters)

    ours = ground.ours(["merge", *files], directory=directory, check=check, prepare=forget)
    join = "reduce inputs as $state ({}; . * $state)"
    rivals = [Rival(jq) for jq in _jq(ground, "-n", join, *files, name="`jq -n 'reduce inputs …'`")]
    return Contest(ours=ours, rivals=rivals, memory_limit=48 * _MEGABYTE)


def merge_of_one_author(ground: Ground) -> Contest:
    """Merge one such state, against a program that only reads and writes it."""
    directory, forget = _empty(ground, "one-author")
    file = ground.first_states[0]

    def check(runs: int) -> None:
        ground.expect_values(directory, ground.authors[0].at_first, ground.sizes.counters)

    ours = ground.ours(["merge", file], directory=directory, check=check, prepare=forget)
    return Contest(ours=ours, rivals=[Rival(jq, 1.5) for jq in _jq(ground, "-c", ".", file, name="`jq -c .`")])


def merge_of_the_same(ground: Ground) -> Contest:
    """Merge a large state that is known already, against a copy of the file."""
    saved = ground.saved("the-same", ground.mine)
    return _without_news(ground, saved.directory.parent, ground.mine, ground.in_mine, saved)


def merge_of_an_own_export(ground: Ground) -> Contest:
    """Merge a large state that this replica exported itself, against a copy of the file."""
    file, directory = ground.root / "own-export.json", ground.knowing("own-export")
    ground.export(directory, file)

    def value(counter: int) -> int:
        return ground.in_mine(counter) + (amounts.own(counter) if counter < ground.sizes.few else 0)

    return _without_news(ground, directory, file, value, None)


def _without_news(
    ground: Ground, directory: Path, file: Path, value: Callable[[int], int], saved: Saved | None
) -> Contest:
    def check(runs: int) -> None:
        ground.expect_values(directory, value, ground.sizes.counters)

    prepare = saved.restore if saved else None
    ours = ground.ours(["merge", file], directory=directory, check=check, prepare=prepare)
    words = [program("cp"), str(file), str(ground.root / "copied.json")]
    copy = Command(name="`cp`", processes=[words], directory=str(ground.root), environment=ground.environment)
    return Contest(ours=ours, rivals=[Rival(copy, 3)])


def merge_of_ten_times_as_many(ground: Ground) -> Contest:
    """Merge ten copies of each of the small states, against one of each."""
    states = ground.sizes.states
    contestants = []
    for name, times in (("ten-times", 10), ("one-time", 1)):
        directory, forget = _empty(ground, name)
        files = [ground.small / f"{number}.json" for number in range(states)] * times

        def check(runs: int, directory: Path = directory) -> None:
            expect_small(ground, directory, range(states))

        contestants.append(ground.ours(["merge", *files], directory=directory, check=check, prepare=forget))
    ours, once = contestants
    once.name = f"{states:,} of them"
    return Contest(ours=ours, rivals=[Rival(once, 11)], memory_limit=60 * _MEGABYTE)


def show_all(ground: Ground) -> Contest:
    """Print the values of all counters of a large state."""
    saved = ground.saved("shown", ground.mine)
    directory, output = saved.directory.parent, ground.root / "all.tsv"

    def check(runs: int) -> None:
        ground.expect_values(directory, ground.in_mine, ground.sizes.counters)

    ours = ground.ours(["show", "--format", "tsv"], directory=directory, check=check, output=str(output))
    rivals = [Rival(jq) for jq in _jq(ground, "-r", _TOTALS, ground.mine, name="`jq`")]
    return Contest(ours=ours, rivals=rivals)
