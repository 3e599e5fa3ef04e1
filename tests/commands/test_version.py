"""``--version --format json``: the versions of what is used."""

import json
import platform
from importlib.metadata import version

import pytest

from crdtctl import __version__
from tests.conftest import Shell


@pytest.mark.parametrize(
    "words",
    [
        ["--version", "--format", "json"],
        ["--format=json", "--version"],
        ["-V", "--json"],
        ["-V", "-f", "json"],
    ],
)
def test_version_as_json_names_what_is_used(shell: Shell, words: list[str]) -> None:
    found = json.loads(shell.ok(*words))
    assert (found["crdtctl"], found["python"]) == (__version__, platform.python_version())
    assert found["packages"]["msgspec"] == version("msgspec")
    assert {"typer", "rich"} <= found["packages"].keys()


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version_alone_is_one_line(shell: Shell, word: str) -> None:
    assert shell.ok(word) == f"crdtctl {__version__}\n"
