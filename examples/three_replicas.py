"""Three replicas count a real history apart, exchange files in disorder, and agree with an independent count.

    python examples/three_replicas.py                the lines added and removed, by folder, in its git checkout
    python examples/three_replicas.py access.log     the requests by client address of an access log

Each replica takes one third of the history and knows nothing of the other two while it counts. The program itself
does everything, as you would at a shell. Each command is printed before it runs.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

NAMES = ("laptop", "server", "phone")
SHOWN = 12

program = [str(Path(sys.executable).parent / "crdtctl")]
if not Path(program[0]).exists():
    program = [sys.executable, "-m", "crdtctl"]


class Event(NamedTuple):
    """One line of the history: which counter it changes, and by how much up and down."""

    name: str
    up: int
    down: int


class History(NamedTuple):
    """A history to count, and the same totals as another program counts them."""

    title: str
    column: str
    events: list[Event]
    expected: dict[str, int]
    judge: str
    judged: str


def main(arguments: Sequence[str]) -> int:
    """Run the scene; return 0 if all three replicas and the independent count agree."""
    history = access_log(Path(arguments[0])) if arguments else git_history()
    print(f"The history: {len(history.events):,} {history.title}.")
    home = Path(tempfile.mkdtemp(prefix="three-replicas-"))
    try:
        return scene(home, history)
    finally:
        shutil.rmtree(home)


def scene(home: Path, history: History) -> int:
    """Count apart, exchange in disorder, compare."""
    heading("1. Three replicas, each a directory of its own. No server.")
    for name in NAMES:
        run(home, name, "init", f"--name={name}")

    heading("2. Each replica counts a third of the history and knows nothing of the others.")
    for index, name in enumerate(NAMES):
        count(home, name, history.events[index :: len(NAMES)])
    apart = {name: table(home, name) for name in NAMES}

    heading("3. They exchange files in a scrambled order, some twice, some late.")
    for name in NAMES:
        run(home, name, "export", "-o", f"{name}-early.json")
    meetings = [(sender, receiver) for sender in NAMES for receiver in NAMES] * 2
    random.Random(7).shuffle(meetings)
    for sender, receiver in meetings:
        run(home, sender, "export", "-o", f"{sender}.json", quiet=True)
        run(home, receiver, "merge", f"{sender}.json", f"{sender}-early.json", f"{sender}.json")

    heading("4. The part that each counted, the totals that all show now, an independent count.")
    together = {name: table(home, name) for name in NAMES}
    agree = all(found == history.expected for found in together.values())
    now = {"all three": together[NAMES[0]]} if agree else {f"{name} now": together[name] for name in NAMES}
    draw(history.column, {**apart, **now, history.judge: history.expected})
    print(f"\nThe independent count is of {history.judged}.")
    total = sum(history.expected.values())
    print(f"All three tables and the independent count {'are equal' if agree else 'DIFFER'}: {total:,} in all.")
    return 0 if agree else 1


def count(home: Path, replica: str, events: Sequence[Event]) -> None:
    """Count events on one replica: one batch up and, if anything was removed, one batch down."""
    run(home, replica, "increment", "--batch", "-", stdin="".join(f"{one.name}\t{one.up}\n" for one in events))
    if any(one.down for one in events):
        run(home, replica, "decrement", "--batch", "-", stdin="".join(f"{one.name}\t{one.down}\n" for one in events))


# The two histories --------------------------------------------------------------------------------------


def git_history() -> History:
    """Return the lines that each commit added and removed, and the lines that ``git grep`` finds today."""
    settings = ("color.ui=never", "core.quotePath=false", "log.showRoot=true", "log.showSignature=false")
    here = ["git", "-C", str(Path(__file__).resolve().parents[1]), *(word for one in settings for word in ("-c", one))]
    log = ["log", "--reverse", "--first-parent", "-m", "--no-renames", "--no-ext-diff", "--format=", "--numstat"]
    grep = ["grep", "-I", "--count", "--full-name", "-e", "", "HEAD", "--"]
    try:
        changes = [line.split("\t") for line in output([*here, *log])]
        found = [line.removeprefix("HEAD:").rpartition(":") for line in output([*here, *grep])]
    except (OSError, subprocess.CalledProcessError):
        sys.exit("This is not a git checkout with commits. Give an access log instead: three_replicas.py access.log")
    events = [Event(folder(path), int(up), int(down)) for up, down, path in changes if up != "-"]
    title = "changed files in the commits of this checkout, lines by folder"
    expected = added_up((folder(path), int(lines)) for path, _, lines in found)
    return History(title, "folder", events, expected, "git grep", "the lines in HEAD: git grep --count '' HEAD")


def folder(path: str) -> str:
    """Return the folder of a file, at most two levels deep."""
    return name_of("/".join(path.strip('"').split("/")[:-1][:2]) or "(top)")


def access_log(path: Path) -> History:
    """Return the client address of every request, and the counts of ``awk``."""
    script = "{ count[$1]++ } END { for (name in count) print count[name], name }"
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            events = [Event(name_of(line.split()[0]), 1, 0) for line in file if line.strip()]
        rows = [line.partition(" ") for line in output(["awk", "NF " + script, str(path)])]
    except OSError as error:
        sys.exit(f"Cannot read {path}: {error.strerror}")
    expected = added_up((name_of(name), int(times)) for times, _, name in rows)
    return History("requests, by client address", "client", events, expected, "awk", f"the same file: awk '{script}'")


def added_up(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return name → total, without the totals that are 0."""
    total: Counter[str] = Counter()
    for name, amount in rows:
        total[name] += amount
    return {name: amount for name, amount in total.items() if amount}


def name_of(text: str) -> str:
    """Return a text as a counter's name: printable, in normal form C, without '=', at most 200 bytes."""
    plain = "".join(c if c.isprintable() and c not in "={}" else "-" for c in unicodedata.normalize("NFC", text))
    return plain.strip()[:50].strip() or "-"


# Running and printing -----------------------------------------------------------------------------------


def output(command: Sequence[str]) -> list[str]:
    """Return the lines that a command prints."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
    return [line for line in done.stdout.split("\n") if line]


def run(home: Path, replica: str, *words: str, stdin: str = "", quiet: bool = False) -> None:
    """Print a command and run it on one of the replicas."""
    lines = stdin.count("\n")
    source = f"   < {lines:,} line{'' if lines == 1 else 's'}" if stdin else ""
    if not quiet:
        print(f"  {replica}$ crdtctl {' '.join(words)}{source}", flush=True)
    command = [*program, "--replica", str(home / f"{replica}.replica"), *words]
    subprocess.run(command, check=True, cwd=home, input=stdin, stdout=subprocess.DEVNULL, text=True)


def table(home: Path, replica: str) -> dict[str, int]:
    """Return the counters of a replica: name → value, without those that are 0."""
    command = [*program, "--replica", str(home / f"{replica}.replica"), "show", "--format", "tsv"]
    rows = (line.split("\t") for line in output(command))
    return added_up((name, int(value)) for name, _, value in rows)


def draw(first: str, columns: dict[str, dict[str, int]]) -> None:
    """Print the largest rows of several tables side by side: drawn on a terminal, plain text off it."""
    *_, expected = columns.values()
    names = sorted(expected, key=lambda name: (-expected[name], name))
    rows = [[name, *(f"{values.get(name, 0):,}" for values in columns.values())] for name in names[:SHOWN]]
    if rest := names[SHOWN:]:
        sums = (sum(values.get(name, 0) for name in rest) for values in columns.values())
        rows.append([f"{len(rest):,} more", *(f"{value:,}" for value in sums)])
    total = ["total", *(f"{sum(values.values()):,}" for values in columns.values())]
    heads = [first, *columns]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        drawn = Table(show_footer=True, header_style="bold", footer_style="bold")
        for number, (head, foot) in enumerate(zip(heads, total, strict=True)):
            style = "green" if number >= len(NAMES) + 1 else "dim" if number else "cyan"
            drawn.add_column(head, foot, justify="right" if number else "left", style=style)
        for row in rows:
            drawn.add_row(*row)
        Console().print(drawn, markup=False)
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, total, strict=True)]
    for row in [heads, *rows, total]:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        print("  ".join(["", row[0].ljust(widths[0]), *numbers]))


def heading(text: str) -> None:
    """Print a line that begins the next part."""
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
