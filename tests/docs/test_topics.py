"""The manual: every console block is run, every topic is listed, and the links between topics lead somewhere."""

import re
import subprocess
import sys
from importlib.resources import files

import pytest

import crdtctl.codec
from crdtctl import errors
from crdtctl.cli.verbs import ALIASES, VERBS
from crdtctl.crdt import TYPES
from crdtctl.help import topics
from crdtctl.help.blocks import Code, Items, Table, blocks
from tests.conftest import Shell
from tests.docs import scenes


def source(name: str) -> str:
    return files("crdtctl.help").joinpath(f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", topics.NAMES)
def test_topic_prints_what_it_shows(shell: Shell, name: str) -> None:
    scenes.play(shell, source(name))


@pytest.mark.parametrize("name", [name for name in topics.NAMES if scenes.blocks(source(name), "python")])
def test_programs_of_a_topic_run(shell: Shell, name: str) -> None:
    """They find a replica, a state in hub.json and a remote called office."""
    shell.ok("init")
    shell.ok("increment", "builds=2")
    shell.ok("export", "-o", "hub.json")
    shell.ok("remote", "add", "office", "office")
    for program in scenes.blocks(source(name), "python"):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=shell.directory, env=shell.environment, capture_output=True, check=True
        )
        assert done.stderr == b""


def test_the_list_has_every_topic_once() -> None:
    found = sorted(one.name.removesuffix(".md") for one in files("crdtctl.help").iterdir() if one.name.endswith(".md"))
    assert sorted(topics.NAMES) == found


@pytest.mark.parametrize("name", topics.NAMES)
def test_topic_has_a_summary_that_fits_the_list(name: str) -> None:
    assert len(topics.summary(name)) <= 66
    assert not topics.summary(name).endswith(".")


@pytest.mark.parametrize("name", topics.NAMES)
def test_topic_names_topics_and_commands_that_exist(name: str) -> None:
    known = {*topics.NAMES, *VERBS, *ALIASES, "TOPIC", "COMMAND"}
    for word in re.findall(r"crdtctl help ([a-zA-Z-]+)", topics.text(name)):
        assert word in known
    for word in re.findall(r"^\$ crdtctl (?:--replica \S+ )?([a-z]+)", topics.text(name), re.MULTILINE):
        assert word in known


@pytest.mark.parametrize("name", topics.NAMES)
def test_topic_uses_the_markdown_that_the_pages_know(name: str) -> None:
    """Emphasis, nested lists, quotes and rules would be shown raw."""
    for block in blocks(topics.text(name)):
        match block:
            case Code():
                continue
            case Table(rows):
                texts = [cell for row in rows for cell in row]
                assert len({len(row) for row in rows}) == 1, rows
            case _:
                texts = [text for _, text in block.items] if hasattr(block, "items") else [block.text]
        for text in texts:
            plain = re.sub(r"`[^`]+`|\*\*[^*]+\*\*", "", text)
            assert not re.search(r"[`*<>]|^[-+]|\]\(", plain), text


def test_the_topic_of_exit_statuses_has_every_error() -> None:
    for status, name, meaning in errors.exit_statuses():
        assert f"| {status} | {name} | {meaning} |" in topics.text("exit-status")


def test_the_topic_of_the_format_has_the_specification() -> None:
    specification = (crdtctl.codec.__doc__ or "").partition("\nModules\n")[0]
    text = topics.text("format")
    for term in re.findall(r"``([^`\n]+)``", specification):
        assert f"`{term.replace('|', chr(92) + '|')}`" in text
    tables = [block for block in blocks(text) if isinstance(block, Table)]
    assert tables
    assert all(row[0].startswith("`") for table in tables for row in table.rows[1:])
    items = [item for block in blocks(text) if isinstance(block, Items) for _, item in block.items]
    for bullet in re.findall(r"^\* (.*(?:\n  \S.*)*)", specification, re.MULTILINE):
        assert " ".join(bullet.split()).replace("``", "`") in items
    [example, *_] = [block for block in blocks(text) if isinstance(block, Code) and not block.kind]
    assert "\n".join(f"    {line}" for line in example.lines) in specification


def test_each_type_has_a_row_in_the_topic_of_types() -> None:
    [table, *_] = [block for block in blocks(topics.text("types")) if isinstance(block, Table)]
    assert {row[0].strip("`") for row in table.rows[1:]} == set(TYPES)
