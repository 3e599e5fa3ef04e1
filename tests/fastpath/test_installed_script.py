"""The script that is installed: any path, links to it, a prefix without a Python of its own, strangers' modules."""

import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Result, Shell
from tests.support.installed import install_below_prefix, install_into_environment, run_words


@pytest.fixture
def run(shell: Shell) -> Callable[..., Result]:
    return partial(run_words, shell)


def assert_works(run: Callable[..., Result], script: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """Count by the fast path and by the full command."""
    made = run([script, "init", "--name", "here"], environment)
    assert (made.status, made.stderr) == (0, "")
    for words in (["increment", "builds", "40"], ["increment", "builds=1"], ["increment", "builds"]):
        assert run([script, *words], environment) == Result(0, "", "")
    assert run([script, "show", "builds"], environment) == Result(0, "42\n", "")
    assert run([script, "show", "builds", "--format", "csv"], environment).stdout.endswith("builds,pncounter,42\n")


@pytest.mark.parametrize("place", ["env", "my env", "é ü", "long" * 40, "a;b 'c' \"d\" $HOME"])
def test_installed_script_works_in_any_path(run: Callable[..., Result], tmp_path: Path, place: str) -> None:
    assert_works(run, install_into_environment(tmp_path / place))


def test_installed_script_works_through_links(run: Callable[..., Result], tmp_path: Path) -> None:
    script = install_into_environment(tmp_path / "my env")
    for name, target in (("one", script), ("two", Path("one")), ("three", Path("..", tmp_path.name, "two"))):
        (tmp_path / name).symlink_to(target)
    assert_works(run, tmp_path / "three")


def test_installed_script_works_by_its_name_alone(run: Callable[..., Result], tmp_path: Path) -> None:
    script = install_into_environment(tmp_path / "env")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "crdtctl").symlink_to(script)
    assert_works(run, "crdtctl", {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})


def test_installed_script_below_a_prefix_finds_the_python_that_it_was_installed_for(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    script = install_below_prefix(tmp_path / ".local")
    named = tmp_path / "pythons"
    named.mkdir()
    (named / "python3").write_text("#!/bin/sh\necho another Python; exit 99\n")
    (named / "python3").chmod(0o755)
    (named / f"python3.{sys.version_info.minor}").symlink_to(sys.executable)
    environment = {"PATH": f"{named}:/usr/bin:/bin"}
    # Its packages are below the prefix, which is the user's: only HOME says so.
    assert_works(run, script, {**environment, "HOME": str(tmp_path)})


@pytest.mark.parametrize("module", ["typer", "msgspec", "json", "re", "fcntl", "sitecustomize", "crdtctl"])
def test_modules_of_strangers_are_not_imported(run: Callable[..., Result], tmp_path: Path, module: str) -> None:
    script = install_into_environment(tmp_path / "env")
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / f"{module}.py").write_text("raise SystemExit('a stranger runs')")
    shutil.copy(planted / f"{module}.py", script.parent)
    assert_works(
        run, script, {"PYTHONPATH": str(planted), "PYTHONHOME": str(planted), "PYTHONSTARTUP": f"{planted}/{module}.py"}
    )


def test_current_directory_is_not_imported_from(run: Callable[..., Result], shell: Shell, tmp_path: Path) -> None:
    script = install_into_environment(tmp_path / "env")
    for module in ("typer", "crdtctl", "os", "sitecustomize"):
        Path(shell.directory, f"{module}.py").write_text("raise SystemExit('a stranger runs')")
    assert_works(run, script, {"PYTHONPATH": "."})
