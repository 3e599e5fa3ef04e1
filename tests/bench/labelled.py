"""Rows: counters with labels, and those that keep periods as well."""

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


def dated(ground: Ground) -> Contest:
    """Count in a series that keeps the counts of each day."""
    directory = ground.replica("dated")
    ground.call([ground.crdtctl, "create", "tests", "--type", "pncounter", "--every", "day"], directory)
    words = ["increment", "tests", "--label", "os=linux"]
    ground.call([ground.crdtctl, *words], directory)

    def check(runs: int) -> None:
        rows = ground.call([ground.crdtctl, "show", "tests", "--per", "day", "--last", "3d"], directory).splitlines()
        found = ground.value(directory, "tests"), sum(int(row.split("\t")[-1]) for row in rows)
        if found != (runs + 1, runs + 1):
            raise Wrong(f"the total and the sum of the days are {found} after {runs + 1} increments")

    ours = ground.ours(words, directory=directory, check=check)
    return Contest(ours=ours, rivals=[Rival(ground.python_command("pass"), 1.6)], turns=_TURNS)


def recent(ground: Ground) -> Contest:
    """Show the counts of the last day of many series with periods, against merging them."""
    source, directory = ground.replica("series-source"), ground.replica("series-merged")
    ground.call([ground.crdtctl, "create", _NAME, "--type", "pncounter", "--every", "hour"], source)
    for batch in ({"at": "2026-01-02T03:00Z"}, {}):
        ground.batch(
            source,
            (json.dumps({"name": _NAME, "labels": {"host": f"{number:05}"}, **batch}) for number in range(_SERIES)),
        )
    file, output = source / "state.json", directory / "shown.txt"
    ground.export(source, file)
    ground.call([ground.crdtctl, "merge", file], directory)
    known = directory / ".crdtctl" / "known.json"

    def check(runs: int) -> None:
        if output.read_text() != f"{_SERIES}\n":
            raise Wrong(f"{output.read_text()} of {_SERIES} were shown")

    def check_merge(runs: int) -> None:
        if ground.value(directory, _NAME) != 2 * _SERIES:
            raise Wrong(f"{ground.value(directory, _NAME)} of {2 * _SERIES} were merged")

    ours = ground.ours(["show", _NAME, "--last", "24h"], directory=directory, check=check, output=str(output))
    merging = ground.ours(
        ["merge", file], directory=directory, check=check_merge, prepare=lambda: known.unlink(missing_ok=True)
    )
    merging.name = "`crdtctl merge` of them"
    return Contest(ours=ours, rivals=[Rival(merging, 0.1)], turns=_TURNS)


def reported(ground: Ground) -> Contest:
    """Write the page of many series, against printing them."""
    directory = ground.replica("reported")
    lines = (json.dumps({"name": name, "labels": labels, "amount": amount}) for name, labels, amount in _series())
    ground.batch(directory, lines)
    page, output = directory / "report.html", directory / "shown.json"
    expected = sum(amount for _, _, amount in _series())

    def check(runs: int) -> None:
        text = page.read_text().partition('type="application/json">')[2].partition("</script>")[0]
        found = sum(value for _, _, value in json.loads(text)["series"])
        if found != expected:
            raise Wrong(f"the series of the page have the sum {found}, not {expected}")

    def check_shown(runs: int) -> None:
        found = sum(one["value"] for one in json.loads(output.read_text())["counters"])
        if found != expected:
            raise Wrong(f"the series have the sum {found}, not {expected}")

    ours = ground.ours(["report", "-o", page], directory=directory, check=check)
    words = ["show", "--format", "json"]
    showing = ground.ours(words, directory=directory, check=check_shown, output=str(output))
    showing.name = "`crdtctl show --format json`"
    return Contest(ours=ours, rivals=[Rival(showing, 3)], turns=_TURNS)


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
