"""Results beside their programs: each page has a part that its program writes, with the rows of the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import contests
from tests.bench.ground import Sizes
from tests.support import results

ROOT = Path(__file__).parents[2]
PAGES = {
    "tests.bench": "tests/bench/README.md",
    "tests.bench.fleet": "tests/bench/fleet/README.md",
    "tests.torture": "tests/torture/README.md",
}


@pytest.mark.parametrize(("program", "page"), PAGES.items())
def test_the_page_names_the_command_that_writes_it_and_the_day_of_its_figures(program: str, page: str) -> None:
    assert f"`python -m {program} --write`" in (ROOT / page).read_text()
    assert re.search(r" on 20\d\d-\d\d-\d\d\b", results.read(ROOT / page))


def test_the_page_of_the_bench_has_the_rows_of_the_bench() -> None:
    rows = re.findall(r"^\| (.*?) \|", results.read(ROOT / PAGES["tests.bench"]), re.MULTILINE)
    assert set(contests(Sizes())) <= set(rows)


def test_write_replaces_the_results_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n\n{results.BEGIN}\nold\n{results.END}\n\nafter\n")
    results.write(page, "| new |\n")
    assert page.read_text() == f"before\n\n{results.BEGIN}\n\n| new |\n\n{results.END}\n\nafter\n"
    assert results.read(page) == "| new |"


def test_write_refuses_a_page_without_a_place_for_results(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"no place {results.BEGIN}")
    with pytest.raises(ValueError, match="no part between"):
        results.write(page, "| new |")
    assert page.read_text() == f"no place {results.BEGIN}"


@pytest.mark.parametrize(
    "words", ["tests.bench --quick", "tests.bench --only show", "tests.bench.fleet --quick", "tests.torture --part 0.1"]
)
def test_results_of_a_part_are_not_written(words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words.split(), "--write"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--write needs" in done.stderr
