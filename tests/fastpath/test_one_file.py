"""The program in one file, which `.ci/release` builds: unpacked once, into the user's cache, and never half."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Result, Shell
from tests.support.installed import LIBRARIES, PACKAGE, run_words

BUILD = Path(__file__).parents[2] / ".ci" / "pyz" / "build.py"
NEEDED = (
    "typer",
    "rich",
    "filelock",
    "tomli_w",
    "msgspec",
    "markdown_it",
    "mdurl",
    "pygments",
    "annotated_doc",
    "shellingham",
)

#: The Python without packages, and variables with which it is the first ``python3``.
BARE = Path(getattr(sys, "_base_executable", sys.executable))
FIRST = {"PATH": f"{BARE.parent}:{os.defpath}"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory with the program and its packages."""
    place = tmp_path_factory.mktemp("packages")
    (place / "crdtctl").symlink_to(PACKAGE)
    for name in NEEDED:
        (place / name).symlink_to(Path(LIBRARIES, name))
    return place


@pytest.fixture(scope="module")
def one(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the file."""
    return built(packages, tmp_path_factory.mktemp("my programs") / "crdtctl.pyz")


def built(packages: Path, output: Path) -> Path:
    copy = output.with_suffix(".packages")
    shutil.copytree(packages, copy, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, BUILD, copy, output], check=True)
    return output


def run(shell: Shell, one: Path, *words: str, home: Path | None = None) -> Result:
    """Run the file with a bare Python, which has no packages."""
    return run_words(shell, [BARE, "-I", one, *words], {"HOME": str(home)} if home else None)


def test_one_file_counts_and_has_its_help(shell: Shell, one: Path) -> None:
    assert run(shell, one, "init", "--name", "here").status == 0
    for words in (["increment", "builds", "40"], ["increment", "builds=1"], ["increment", "builds"]):
        assert run(shell, one, *words) == Result(0, "", "")
    assert run(shell, one, "show", "builds") == Result(0, "42\n", "")
    assert run(shell, one, "show", "builds", "--format", "csv").stdout.endswith("builds,pncounter,42\n")
    assert "Usage: crdtctl merge" in run(shell, one, "merge", "--help").stdout
    assert run(shell, one, "increment").status == 2


def test_one_file_runs_by_itself_and_through_a_link(shell: Shell, one: Path, tmp_path: Path) -> None:
    (tmp_path / "counter").symlink_to(one)
    assert run_words(shell, [tmp_path / "counter", "--version"], FIRST).stdout.startswith("crdtctl ")


def test_modules_of_strangers_are_not_imported_from_one_file(shell: Shell, one: Path) -> None:
    for module in ("typer", "msgspec", "crdtctl", "json", "zipfile"):
        Path(shell.directory, f"{module}.py").write_text("raise SystemExit('a stranger runs')")
    assert run_words(shell, [one, "--version"], {**FIRST, "PYTHONPATH": "."}).status == 0
    for module in ("json", "zipfile"):  # Python itself imports these from there
        Path(shell.directory, f"{module}.py").unlink()
    assert run_words(shell, [sys.executable, one, "show", "--help"], {"PYTHONPATH": "."}).status == 0


def test_same_packages_make_the_same_file(packages: Path, one: Path, tmp_path: Path) -> None:
    assert built(packages, tmp_path / "again.pyz").read_bytes() == one.read_bytes()


def test_first_runs_at_the_same_time_unpack_once(shell: Shell, one: Path, tmp_path: Path) -> None:
    environment = {**shell.environment, "HOME": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, one, "--version"], env=environment, stdout=subprocess.PIPE) for _ in range(6)
    ]
    assert all(process.communicate()[0].startswith(b"crdtctl ") and process.returncode == 0 for process in started)
    assert len(list((tmp_path / ".cache" / "crdtctl").iterdir())) == 1


def test_killed_while_unpacking_is_unpacked_again(shell: Shell, one: Path, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, one, "--version"], env={**shell.environment, "HOME": str(tmp_path)})
    cache = tmp_path / ".cache" / "crdtctl"
    while not (cache.exists() and list(cache.iterdir())) and process.poll() is None:
        pass
    process.kill()
    process.wait()
    assert run(shell, one, "--version", home=tmp_path).status == 0


def test_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(shell: Shell, one: Path, tmp_path: Path) -> None:
    home, temporary = tmp_path / "file", tmp_path / "tmp"
    home.write_text("a file\n")
    temporary.mkdir()
    environment = {"HOME": str(home), "TMPDIR": str(temporary)}
    assert run_words(shell, [sys.executable, one, "--version"], environment).status == 0
    assert list(temporary.glob("crdtctl-*/*/crdtctl"))


@pytest.mark.parametrize("whose", ["others can write", "a link"])
def test_cache_of_another_user_is_not_used(shell: Shell, one: Path, tmp_path: Path, whose: str) -> None:
    temporary = tmp_path / "tmp"
    planted = temporary / f"crdtctl-{os.getuid()}"
    planted.mkdir(parents=True)
    planted.chmod(0o777)
    if whose == "a link":
        planted.rename(temporary / "elsewhere")
        planted.symlink_to("elsewhere")
    environment = {"HOME": "/dev/null", "TMPDIR": str(temporary)}
    ended = run_words(shell, [sys.executable, one, "--version"], environment)
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (73, "", 1)
    assert "another user can write to" in ended.stderr
    assert list(planted.iterdir()) == []
    assert "set XDG_CACHE_HOME" in ended.stderr


def test_old_python_is_named(shell: Shell, one: Path) -> None:
    script = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path(sys.argv[1], run_name='__main__')"
    ended = run_words(shell, [sys.executable, "-c", script, one])
    assert ended == Result(69, "", "crdtctl: Python 3.11 or newer is needed, and this is 3.9\n")


def test_system_that_the_file_was_not_made_for_is_named(shell: Shell, packages: Path, tmp_path: Path) -> None:
    for name in ("crdtctl", "filelock"):
        (tmp_path / "packages" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "packages" / name).symlink_to(packages / name)
    ended = run(shell, built(tmp_path / "packages", tmp_path / "crdtctl.pyz"), "--version")
    assert (ended.status, ended.stdout) == (69, "")
    assert "this file was not made for cpython" in ended.stderr
