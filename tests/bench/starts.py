"""Rows: the commands that need the whole program, against an import of the library for command lines."""

from pathlib import Path

from tests.bench import amounts
from tests.bench.contest import Contest, Rival
from tests.bench.ground import Ground
from tests.bench.process import Wrong

_LIMIT = 1.6
_TURNS = 3


def _rivals(ground: Ground) -> list[Rival]:
    return [Rival(ground.python_command("import typer"), _LIMIT)]


def show_help(ground: Ground) -> Contest:
    """``--help``"""
    output = ground.root / "help.txt"

    def check(runs: int) -> None:
        if "increment" not in output.read_text():
            raise Wrong("the help does not know increment")

    ours = ground.ours(["--help"], directory=ground.few, check=check, output=str(output))
    return Contest(ours=ours, rivals=_rivals(ground), turns=_TURNS)


def merge_two(ground: Ground) -> Contest:
    """``merge`` of two small files into a replica that has a third."""
    saved = ground.saved("two", ground.small / "2.json")
    directory = saved.directory.parent
    name, value = next(iter(amounts.small_total(range(3)).items()))

    def check(runs: int) -> None:
        found = ground.value(directory, name)
        if found != value:
            raise Wrong(f"{name} is {found} after the merge of two small files, not {value}")

    words: list[str | Path] = ["merge", ground.small / "0.json", ground.small / "1.json"]
    ours = ground.ours(words, directory=directory, check=check, prepare=saved.restore)
    return Contest(ours=ours, rivals=_rivals(ground), turns=_TURNS)


def status(ground: Ground) -> Contest:
    """``status``"""
    output = ground.root / "status.txt"

    def check(runs: int) -> None:
        if not output.read_text().startswith("few-"):
            raise Wrong(f"status does not begin with this replica: {output.read_text()}")

    ours = ground.ours(["status"], directory=ground.few, check=check, output=str(output))
    return Contest(ours=ours, rivals=_rivals(ground), turns=_TURNS)
