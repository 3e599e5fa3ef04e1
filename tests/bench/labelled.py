"""Rows: counters with labels."""

import json
from collections.abc import Iterator

from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.ground import Ground
from tests.bench.process import Wrong

_SYSTEMS = ("linux", "macos", "windows")
_SERIES, _OF_ONE = 10_000, 100
_TURNS = 5
_NAME = "requests.42"
#: Programs that print the total for each system, of lines of JSON and of tab-separated cells.
_SUM = f'reduce (inputs | select(.name == "{_NAME}")) as $x ({{}}; .[$x.labels.os] += $x.value)'
_JQ = ("-rn", _SUM + ' | to_entries[] | "\\(.key)\\t\\(.value)"', "series.ndjson")
_AWK = ("-F\t", f'$1 == "{_NAME}" {{ sum[$2] += $4 }} END {{ for (os in sum) print os "\\t" sum[os] }}', "series.tsv")


def _series() -> Iterator[tuple[str, dict[str, str], int]]:
    for number in range(_SERIES):
        name, of_one = divmod(number, _OF_ONE)
        labels = {"code": str(200 + of_one % 5), "host": f"host-{of_one:03}", "os": _SYSTEMS[of_one % 3]}
        yield f"requests.{name:02}", labels, of_one + 1


def grouped(ground: Ground) -> Contest:
    """Print the totals of one name by a label, among many series of other names."""
    directory = ground.replica("labelled")
    with (directory / "series.ndjson").open("w") as lines, (directory / "series.tsv").open("w") as rows:
        for name, labels, amount in _series():
            print(json.dumps({"name": name, "labels": labels, "value": amount}), file=lines)
            print(name, labels["os"], labels["host"], amount, sep="\t", file=rows)
    ground.batch(
        directory,
        (json.dumps({"name": name, "labels": labels, "amount": amount}) for name, labels, amount in _series()),
    )
    expected: dict[str, int] = {}
    for name, labels, amount in _series():
        if name == _NAME:
            expected[labels["os"]] = expected.get(labels["os"], 0) + amount

    def command(words: list[str], shown: str) -> Command:
        output = directory / f"{words[0].rpartition('/')[2]}.txt"

        def check(runs: int) -> None:
            cells = [line.split("\t") for line in output.read_text().splitlines()]
            found = {row[-2]: int(row[-1]) for row in cells}
            if found != expected:
                raise Wrong(f"{shown} printed {found}, not {expected}")

        return Command(
            name=shown,
            processes=[words],
            directory=str(directory),
            environment=ground.environment,
            output=str(output),
            check=check,
        )

    others = [
        command([program(name), *words], f"`{name}`, a file of all series")
        for name, words in (("jq", _JQ), ("awk", _AWK))
        if not missing(name)
    ]
    ours = command([ground.crdtctl, "show", _NAME, "--by", "os"], "crdtctl")
    return Contest(ours=ours, rivals=[Rival(ground.python_command("pass"), 3.3), *map(Rival, others)], turns=_TURNS)
