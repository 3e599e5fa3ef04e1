"""Row: numbers in a distribution, against their median by sorting."""

import sys
from decimal import Decimal
from pathlib import Path

from tests.bench import amounts
from tests.bench.contest import Command, Contest, Rival, missing, program
from tests.bench.ground import Ground
from tests.bench.process import Wrong

#: Sorted numbers → the one in the middle, and their sum.
_MEDIAN = '{a[NR]=$1; s+=$1} END{printf "%s\\t%.6f\\n", a[int((NR+1)/2)], s}'
#: Prints how many numbers a file has, the one in the middle, and their sum. In this process, no peak below that of the
#: sorted numbers could be seen any more.
_EXACT = """
import sys
from decimal import Decimal
with open(sys.argv[1]) as lines:
    found = sorted(map(Decimal, lines))
print(len(found), found[(len(found) - 1) // 2], sum(found, Decimal(0)))
"""


def numbers(ground: Ground) -> Contest:
    """Many numbers, nearly all of them different, as one commit."""
    directory = ground.replica("numbers")
    file = ground.root / "numbers.txt"
    with file.open("w") as lines:
        lines.writelines(f"{amounts.duration(line):.6f}\n" for line in range(ground.sizes.lines))
    count, median, total = map(Decimal, ground.call([sys.executable, "-c", _EXACT, file], directory).split())
    ground.call([ground.crdtctl, "create", "numbers", "--type", "hist"], directory)

    def check(runs: int) -> None:
        rows = ground.call([ground.crdtctl, "show", "numbers", "--distribution"], directory).splitlines()
        figures = {figure: Decimal(value) for _, figure, value in (row.split("\t") for row in rows)}
        if figures["count"] != runs * count or figures["sum"] != runs * total:
            raise Wrong(f"{figures['count']} numbers with the sum {figures['sum']} were counted")
        if abs(figures["0.5"] - median) > median / 100:
            raise Wrong(f"the median is {median}, and {figures['0.5']} was printed")

    ours = ground.ours(["add", "numbers", "--batch", file], directory=directory, check=check)
    rivals = [*_datamash(ground, file), *_sort(ground, file, median)]
    return Contest(ours=ours, rivals=[Rival(one, 1) for one in rivals])


def _sort(ground: Ground, file: Path, median: Decimal) -> list[Command]:
    """Return the median by sort and awk, which write nothing to disk. Sort is faster in the order of bytes."""
    if missing("sort", "awk", "sh"):
        return []
    output = ground.root / "median.txt"

    def check(runs: int) -> None:
        if Decimal(output.read_text().split("\t")[0]) != median:
            raise Wrong("awk found another median")

    return [
        Command(
            name="`LC_ALL=C sort -n` and `awk`",
            processes=[[program("sh"), "-c", f"sort -n \"$1\" | awk '{_MEDIAN}'", "sh", str(file)]],
            directory=str(ground.empty("sort-numbers")),
            environment={**ground.environment, "LC_ALL": "C"},
            output=str(output),
            check=check,
        )
    ]


def _datamash(ground: Ground, file: Path) -> list[Command]:
    """Return the median by datamash, in memory."""
    if missing("datamash", "sh"):
        return []
    words = [program("sh"), "-c", 'datamash count 1 sum 1 min 1 max 1 median 1 <"$1"', "sh", str(file)]
    return [
        Command(
            name="`datamash`, with count, sum, min, max and median",
            processes=[words],
            directory=str(ground.empty("datamash")),
            environment={**ground.environment, "LC_ALL": "C"},
        )
    ]
