"""A locale of another encoding, or none: arguments and names of files are UTF-8 all the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Result, Shell

MODULE = [sys.executable, "-m", "crdtctl"]


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile locales of other encodings."""
    if not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("the sources of locales are not installed here")
    place = tmp_path_factory.mktemp("locales")
    for name, encoding in (("de_DE", "ISO-8859-1"), ("ja_JP", "EUC-JP"), ("ru_RU", "KOI8-R")):
        subprocess.run(["localedef", "-i", name, "-f", encoding, place / name], check=True, capture_output=True)
    return place


def settings(locales: Path, name: str) -> dict[str, str]:
    if name == "C":
        return {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return {"LC_ALL": name, "LOCPATH": str(locales), "PYTHONUTF8": "0"}


def run(shell: Shell, program: list[str], words: list[str], environment: dict[str, str]) -> Result:
    done = subprocess.run(
        [*program, *words],
        cwd=shell.directory,
        env={**shell.environment, **environment},
        capture_output=True,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("program", [PROGRAM, MODULE], ids=["script", "module"])
@pytest.mark.parametrize("name", ["de_DE", "ja_JP", "ru_RU", "C"])
def test_names_are_utf_8_whatever_the_locale(
    shell: Shell, replica: Replica, locales: Path, name: str, program: list[str]
) -> None:
    environment = settings(locales, name)
    for words in (
        ["increment", "büro"],
        ["increment", "büro=2"],
        ["increment", "büro", "--once", "schlüssel"],
        ["add", "gäste", "zoë"],
    ):
        assert run(shell, program, words, environment) == Result(0, "", "")
    assert shell.ok("show", "büro") == run(shell, program, ["show", "büro"], environment).stdout == "4\n"
    assert {one.name: one.members if one.tag == "gset" else one.value for one in replica.counters()} == {
        "büro": 4,
        "gäste": ("zoë",),
    }


@pytest.mark.parametrize("program", [PROGRAM, MODULE], ids=["script", "module"])
@pytest.mark.parametrize("name", ["de_DE", "ja_JP", "C"])
def test_paths_are_bytes_whatever_the_locale(shell: Shell, locales: Path, name: str, program: list[str]) -> None:
    environment = settings(locales, name)
    assert run(shell, program, ["init", "büro/zähler"], environment).status == 0
    assert Path(shell.directory, "büro", "zähler", ".crdtctl", "own.json").exists()
    for words in (["increment", "x", "3"], ["export", "-o", "büro/ä.json"]):
        assert run(shell, program, ["--replica", "büro/zähler", *words], environment) == Result(0, "", "")
    assert run(shell, program, ["show", "x"], {**environment, "CRDTCTL_REPLICA": "büro/zähler"}).stdout == "3\n"
    assert Path(shell.directory, "büro", "ä.json").exists()
