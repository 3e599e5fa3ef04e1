"""README is a front page: short, with links that lead somewhere, and the lists that the program has."""

import re
from pathlib import Path

import pytest

from crdtctl.cli.verbs import ALIASES, GROUPS
from crdtctl.crdt import TYPES
from crdtctl.help import topics
from crdtctl.sync.schemes import SCHEMES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("tests/**/README.md"))]


def section(title: str) -> str:
    """Return the text of a section, without its title."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_readme_has_at_most_180_lines_and_9_kilobytes() -> None:
    assert len(README.splitlines()) <= 180
    assert len(README.encode()) <= 9000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_of_the_checkout(page: Path) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_promise_has_a_link_to_its_evidence() -> None:
    promises = re.findall(r"^\* (.*?)(?=^\* |\Z)", section("What it promises"), re.MULTILINE | re.DOTALL)
    assert len(promises) >= 7
    assert [one for one in promises if "](" not in one and "crdtctl help" not in one] == []


def test_the_commands_have_the_groups_of_the_help() -> None:
    rows = [line.split(" | ") for line in re.findall(r"^\| (.*) \|$", section("Commands"), re.MULTILINE)][1:]
    named = {group: set(re.findall(r"`([a-z]+)`", commands)) - {*ALIASES} for group, commands in rows}
    assert named == {title.lower(): set(verbs) for title, verbs in GROUPS.items()}


def test_every_type_has_a_row() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", section("Types"), re.MULTILINE)) == set(TYPES)


def test_every_kind_of_url_has_a_row() -> None:
    table = section("Remotes")
    kinds = {scheme.partition("+")[0].replace("https", "http") for scheme in SCHEMES}
    assert [kind for kind in kinds if f"`{kind}" not in table] == []


def test_every_topic_of_the_manual_is_named() -> None:
    named = re.findall(r"`([a-z-]+)`", section("Reading on"))
    assert set(named) == set(topics.NAMES)


def test_topics_that_readme_sends_to_exist() -> None:
    assert set(re.findall(r"crdtctl help ([a-z-]+)", README)) <= set(topics.NAMES)
