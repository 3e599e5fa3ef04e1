"""Three replicas count a real history apart, exchange files in disorder, and agree with an independent count.

    python examples/three_replicas.py                the commits per author of the git checkout it stands in
    python examples/three_replicas.py access.log     the requests per client address of an access log

Each replica takes one third of the history and never sees the others while it counts. Everything is done
by the program itself, as you would at a shell; the commands are shown as they are run.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

NAMES = ("laptop", "server", "phone")
SHOWN = 10

program = [str(Path(sys.executable).parent / "crdtctl")]
if not Path(program[0]).exists():
    program = [sys.executable, "-m", "crdtctl"]


def main(arguments: Sequence[str]) -> int:
    """Run the scene; return 0 if all three tables and the independent count are equal."""
    what, history, truth, judge = access_log(Path(arguments[0])) if arguments else git_history()
    print(f"The history: {len(history):,} {what}, {len(truth):,} of them different ones.\n")
    home = Path(tempfile.mkdtemp(prefix="three-replicas-"))
    try:
        return scene(home, history, truth, judge)
    finally:
        shutil.rmtree(home)


def scene(home: Path, history: list[str], truth: dict[str, int], judge: str) -> int:
    """Count apart, exchange in disorder, compare."""
    say("1. Three replicas, each a directory of its own. No server.")
    for name in NAMES:
        run(home, name, "init", f"--name={name}")

    say("2. Each counts its third of the history, one line of input a count, and sees nobody else.")
    for index, name in enumerate(NAMES):
        third = history[len(history) * index // 3 : len(history) * (index + 1) // 3]
        run(home, name, "increment", "--batch", "-", stdin="".join(f"{line}\t1\n" for line in third))
    for name in NAMES:
        print(f"\n{name} alone has {sum(table(home, name).values()):,} of {len(history):,}.")

    say(
        "3. They exchange files: in a scrambled order, some twice, some late, some to themselves.\n"
        "   Before each merge its sender exports anew; the early files are from before anybody met."
    )
    for name in NAMES:
        run(home, name, "export", "-o", f"{name}-early.json")
    meetings = [(sender, receiver) for sender in NAMES for receiver in NAMES] * 2
    random.Random(7).shuffle(meetings)
    for sender, receiver in meetings:
        run(home, sender, "export", "-o", f"{sender}.json", quiet=True)
        run(home, receiver, "merge", f"{sender}.json", f"{sender}-early.json", f"{sender}.json")

    say("4. All three show the same.")
    tables = {name: table(home, name) for name in NAMES}
    for name in NAMES:
        print(f"\n{name}:")
        run(home, name, "show")
        show(tables[name])

    say(f"5. The independent count: {judge}")
    show(truth)
    agree = all(found == truth for found in tables.values())
    total = sum(truth.values())
    print(f"\nAll three tables and the independent count {'are equal' if agree else 'DIFFER'}: {total:,} in all.")
    return 0 if agree else 1


def git_history() -> tuple[str, list[str], dict[str, int], str]:
    """Return the author of every commit, and what ``git shortlog`` says."""
    here = Path(__file__).resolve().parent
    log = ["git", "-C", str(here), "log", "--format=%aN"]
    judge = ["git", "-C", str(here), "shortlog", "-sn", "HEAD"]
    try:
        history = [name_of(line) for line in output(log)]
        rows = [line.strip().partition("\t") for line in output(judge)]
    except (OSError, subprocess.CalledProcessError):
        sys.exit("There is no git history here to count. Give it an access log: three_replicas.py access.log")
    return "commits by author", history, added_up(rows), "git shortlog -sn"


def access_log(path: Path) -> tuple[str, list[str], dict[str, int], str]:
    """Return the client address of every request, and what ``awk`` says."""
    script = "{ count[$1]++ } END { for (name in count) print count[name], name }"
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            history = [name_of(line.split()[0]) for line in file if line.strip()]
        rows = [line.partition(" ") for line in output(["awk", "NF " + script, str(path)])]
    except OSError as error:
        sys.exit(f"Cannot read {path}: {error.strerror}")
    return "requests by client", history, added_up(rows), f"awk '{script}'"


def added_up(rows: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Return name → count for rows of (count, gap, name)."""
    total: Counter[str] = Counter()
    for count, _, name in rows:
        total[name_of(name)] += int(count)
    return dict(total)


def name_of(text: str) -> str:
    """Return a text as a counter's name: printable, in normal form C, no '=', 200 bytes at most."""
    plain = "".join(c if c.isprintable() and c not in "={" else "-" for c in unicodedata.normalize("NFC", text))
    return plain.strip()[:50].strip() or "-"


def output(command: Sequence[str]) -> list[str]:
    """Return the lines that a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def run(home: Path, replica: str, *words: str, stdin: str = "", quiet: bool = False) -> str:
    """Run the program as one of the replicas, and show the command."""
    lines = stdin.count("\n")
    source = f"   < {lines:,} line{'' if lines == 1 else 's'}" if stdin else ""
    if not quiet:
        print(f"  {replica}$ crdtctl {' '.join(words)}{source}")
    command = [*program, "--replica", str(home / f"{replica}.replica"), *words]
    return subprocess.run(command, check=True, cwd=home, input=stdin, stdout=subprocess.PIPE, text=True).stdout


def table(home: Path, replica: str) -> dict[str, int]:
    """Return what a replica shows: name → value."""
    command = [*program, "--replica", str(home / f"{replica}.replica"), "show", "--format", "tsv"]
    rows = (line.split("\t") for line in output(command))
    return {name: int(value) for name, _, value in rows}


def show(counts: dict[str, int]) -> None:
    """Print the largest counts."""
    largest = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    for name, count in largest[:SHOWN]:
        print(f"  {count:>9,}  {name}")
    if len(largest) > SHOWN:
        rest = sum(count for _, count in largest[SHOWN:])
        print(f"  {rest:>9,}  in {len(largest) - SHOWN:,} more rows")


def say(text: str) -> None:
    """Print what comes next."""
    print(f"\n{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
