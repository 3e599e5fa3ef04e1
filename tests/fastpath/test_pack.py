"""The pack, one file with all compiled modules: it changes nothing but the time of a start, whatever happens to it."""

import importlib.abc
import importlib.resources
import importlib.util
import inspect
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crdtctl.errors
from crdtctl import pack, packing
from crdtctl.pack import Pack
from tests.conftest import Result, Shell
from tests.support.installed import install_into_environment, package_below, run_words

#: A command of the full program, and what it prints.
SHOW: Final = ("show", "builds", "--series", "--format", "csv")
#: What the script imports before the pack.
BEFORE = {"__init__", "pack"}
#: Where Python has what it compiles, and the pack.
COMPILED = Path(pack.PLACE).parent.name
PACK = Path(COMPILED, Path(pack.PLACE).name)


#: Modules that are looked for in a pack of the program that runs the tests.
ASKED: Final = ("crdtctl.errors", "crdtctl.cli", "crdtctl.store.merge.plan", "crdtctl.help.page")
LIKE_OTHERS: Final = ("crdtctl.errors", "crdtctl.store", "crdtctl.store.merge", "crdtctl.commands.show")


class Installed:
    """A copy of the program in a virtual environment, and a replica with a counter."""

    def __init__(self, shell: Shell, place: Path) -> None:
        environment = {name: value for name, value in shell.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.shell = Shell(shell.directory, environment)
        self.script = install_into_environment(place)
        self.package = package_below(place)
        self.pack = self.package / PACK
        assert self.run("init", "--name", "here").status == 0
        assert self.run("increment", "builds", "42").status == 0
        self.expected = self.run(*SHOW)
        assert self.expected.stdout.endswith("builds,pncounter,42\n")

    def run(self, *words: str, **environment: str) -> Result:
        return run_words(self.shell, [self.script, *words], environment)

    def version(self) -> tuple[int, int, int]:
        """Return what changes when the pack is written anew."""
        status = self.pack.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def compiled(self) -> set[str]:
        """Return the modules that Python has compiled by itself."""
        names = {path.name.partition(".")[0] for path in self.package.rglob("*.pyc")}
        return names - {"modules"}

    def forget_compiled(self) -> None:
        for path in self.package.rglob("*.pyc"):
            if path != self.pack:
                path.unlink()

    def temporary_files(self) -> list[Path]:
        return [path for path in self.pack.parent.iterdir() if path.suffix != ".pyc"]


@pytest.fixture
def installed(shell: Shell, tmp_path: Path) -> Installed:
    return Installed(shell, tmp_path / "env")


@pytest.fixture(scope="module")
def packed() -> bytes:
    for name in (*ASKED, *LIKE_OTHERS):  # they may have changed since Python has compiled them
        py_compile.compile(str(ordinary(name).origin))
    return packing.packed()


def opened(path: Path, data: bytes) -> int:
    path.write_bytes(data)
    return os.open(path, os.O_RDONLY)


@pytest.fixture
def whole(packed: bytes, tmp_path: Path) -> Iterator[Pack]:
    """Return a finder in the pack of the program that runs the tests."""
    fd = opened(tmp_path / "pack", packed)
    yield Pack(fd)
    os.close(fd)


# The file -----------------------------------------------------------------------------------------


def test_pack_is_written_by_a_full_command_and_read_by_the_next(installed: Installed) -> None:
    assert installed.pack.exists()
    installed.forget_compiled()
    assert installed.run(*SHOW) == installed.expected
    assert installed.run("increment", "builds").status == 0
    assert installed.compiled() == BEFORE


def test_pack_is_not_written_by_a_plain_increment(installed: Installed) -> None:
    installed.pack.unlink()
    assert installed.run("increment", "builds") == Result(0, "", "")
    assert installed.run("show", "builds") == Result(0, "43\n", "")
    assert not installed.pack.exists()


def test_pack_is_not_written_if_python_may_not_write_what_it_compiles(installed: Installed) -> None:
    installed.pack.unlink()
    assert installed.run(*SHOW, PYTHONDONTWRITEBYTECODE="1") == installed.expected
    assert not installed.pack.exists()


def test_pack_gets_each_module_that_it_lacks_once_it_is_imported(installed: Installed) -> None:
    installed.forget_compiled()
    installed.pack.unlink()
    assert installed.run(*SHOW) == installed.expected
    few = installed.pack.stat().st_size
    log = installed.run("log")
    assert installed.pack.stat().st_size > few
    complete = installed.version()
    assert installed.run("log") == log
    assert installed.run(*SHOW) == installed.expected
    assert installed.version() == complete


def test_pack_is_not_written_again_and_again_for_a_module_that_python_does_not_keep(installed: Installed) -> None:
    """A module that is compiled with a hash of its source, as some distributions do, is read from its own file."""
    source = installed.package / "cli" / "main.py"
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    installed.pack.unlink()
    assert installed.run(*SHOW) == installed.expected
    written = installed.version()
    assert installed.run(*SHOW) == installed.expected
    assert installed.version() == written


def test_interruption_while_the_pack_is_written_does_not_change_the_status(installed: Installed) -> None:
    slow = Path(importlib.util.cache_from_source(installed.package / "commands" / "log.py"))
    slow.unlink(missing_ok=True)
    os.mkfifo(slow)  # it keeps who reads it waiting
    installed.pack.unlink()
    place, environment = installed.shell.directory, installed.shell.environment
    with subprocess.Popen([installed.script, *SHOW], cwd=place, env=environment, stdout=-1) as running:
        with slow.open("wb"):
            running.send_signal(signal.SIGINT)
            assert running.stdout is not None
            assert os.read(running.stdout.fileno(), 1000).decode() == installed.expected.stdout
        assert running.wait() == 0
    slow.unlink()
    assert installed.pack.exists()


def test_pack_in_a_directory_that_may_not_be_written_is_left_out(installed: Installed) -> None:
    installed.pack.unlink()
    installed.pack.parent.chmod(0o555)
    obeying = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []  # root may write anywhere
    done = run_words(installed.shell, [*obeying, installed.script, "--version"])
    installed.pack.parent.chmod(0o755)
    assert done == Result(0, f"crdtctl {crdtctl.__version__}\n", "")
    assert not installed.pack.exists()
    assert installed.temporary_files() == []


def test_pack_is_written_by_many_at_once(installed: Installed) -> None:
    for _ in range(3):
        installed.pack.unlink()
        started = [
            subprocess.Popen(
                [installed.script, *SHOW], cwd=installed.shell.directory, env=installed.shell.environment, stdout=-1
            )
            for _ in range(4)
        ]
        assert [each.communicate()[0].decode() for each in started] == [installed.expected.stdout] * 4
        assert installed.temporary_files() == []
        written = installed.version()
        assert installed.run(*SHOW) == installed.expected
        assert installed.version() == written


def test_pack_goes_with_the_package_when_it_is_uninstalled() -> None:
    """Installers remove the modules that they installed, and the compiled form of each."""
    module = Path(pack.HERE, "modules.py")
    assert module.exists()
    assert importlib.util.cache_from_source(module) == pack.PLACE


# A pack that does not fit -------------------------------------------------------------------------


def damaged(data: bytes) -> dict[str, bytes]:
    """Return harmed packs by name."""
    half = len(data) // 2
    other_magic = data[:8] + bytes([data[8] ^ 1]) + data[9:]
    return {
        "empty": b"",
        "garbage": bytes(range(256)) * 64,
        "zeros": bytes(len(data)),
        "another Python's": other_magic,
        "another signature": b"x" + data[1:],
        "a head alone": data[:20],
        "cut in the index": data[:200],
        "cut in the modules": data[:half],
        "an index of 4 GB": data[:12] + b"\xff\xff\xff\xff" + data[16:],
        "a harmed index": data[:100] + b"\xff" + data[101:],
        "harmed modules": data[: len(data) // 3] + bytes(half),
        "more at the end": data + b"more",
        "an ordinary compiled module": Path(importlib.util.cache_from_source(crdtctl.errors.__file__)).read_bytes(),
    }


def test_pack_that_is_damaged_changes_nothing(installed: Installed) -> None:
    installed.run("show", "builds")  # Python compiles the modules of the fast path: a new pack has them
    installed.pack.unlink()
    installed.run(*SHOW)
    whole = installed.pack.read_bytes()
    in_little_memory: list[str | Path] = ["sh", "-c", 'ulimit -v 2000000; exec "$0" "$@"', installed.script]
    for name, data in damaged(whole).items():
        installed.pack.write_bytes(data)
        assert (name, run_words(installed.shell, [*in_little_memory, *SHOW])) == (name, installed.expected)
        installed.pack.write_bytes(data)
        assert (name, installed.run("show", "builds")) == (name, Result(0, "42\n", ""))
        assert installed.run(*SHOW) == installed.expected
        assert (name, installed.pack.read_bytes()) in ((name, whole), (name, whole + b"more"))


def test_pack_that_is_no_file_changes_nothing(installed: Installed) -> None:
    installed.pack.unlink()
    for is_link in (False, True):
        installed.pack.symlink_to("nowhere") if is_link else installed.pack.mkdir()
        assert installed.run(*SHOW) == installed.expected
        assert installed.run("show", "builds") == Result(0, "42\n", "")
        assert installed.temporary_files() == []
        shutil.rmtree(installed.pack, ignore_errors=True)


def edit(source: Path, seconds: int) -> None:
    """Let a source print another name of the program, of the same length, and have another time."""
    text = source.read_text()
    assert 'f"crdtctl {__version__}"' in text
    before = source.stat()
    source.write_text(text.replace('f"crdtctl {__version__}"', 'f"CRDTctl {__version__}"'))
    os.utime(source, (before.st_atime, before.st_mtime + seconds))
    assert source.stat().st_size == before.st_size


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_pack_with_an_older_form_of_a_module_does_not_hide_the_newer_one(installed: Installed, seconds: int) -> None:
    edit(installed.package / "cli" / "main.py", seconds)
    expected = Result(0, f"CRDTctl {crdtctl.__version__}\n", "")
    for _ in range(2):  # by the ordinary import, and by the pack that it has completed
        assert installed.run("--version") == expected
    installed.forget_compiled()
    assert installed.run("--version") == expected
    assert installed.compiled() == BEFORE


def test_pack_does_not_keep_a_module_whose_source_is_gone(installed: Installed) -> None:
    assert installed.run("log").status == 0
    (installed.package / "commands" / "log.py").unlink()
    ended = installed.run("log")
    installed.pack.unlink()
    assert ended == installed.run("log")
    assert ended.status != 0


def test_pack_does_not_become_a_standard_stream(installed: Installed) -> None:
    for closed, words in (("<&-", "increment --batch -"), (">&-", "show --format csv"), ("2>&-", "show nothing -q")):
        command = f'"$0" {words} {closed}'
        installed.run(*SHOW)
        ended = run_words(installed.shell, ["sh", "-c", command, installed.script])
        installed.pack.unlink()
        assert run_words(installed.shell, ["sh", "-c", command, installed.script]) == ended


# Modules of a pack --------------------------------------------------------------------------------


@given(st.data())
def test_pack_with_any_damage_has_right_modules_or_none(packed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.one_of(st.integers(0, 64), st.integers(0, len(packed) - 1)))
    if data.draw(st.booleans()):
        harmed = packed[:at]
    else:
        length = data.draw(st.integers(1, 5000))
        harmed = packed[:at] + data.draw(st.binary(min_size=1, max_size=8)) * (length // 4) + packed[at + length :]
    fd = os.memfd_create("pack")
    try:
        os.write(fd, harmed)
        finder = Pack(fd)
        for name in ASKED:
            spec = finder.find_spec(name)
            if spec is not None:
                assert code_of(spec) == code_of(ordinary(name))
    finally:
        os.close(fd)


def ordinary(name: str) -> ModuleSpec:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return spec


def code_of(spec: ModuleSpec) -> types.CodeType:
    assert isinstance(spec.loader, importlib.abc.InspectLoader)
    code = spec.loader.get_code(spec.name)
    assert code is not None
    return code


@pytest.mark.parametrize("name", LIKE_OTHERS)
def test_module_of_a_pack_is_as_an_ordinary_one(whole: Pack, name: str) -> None:
    spec = whole.find_spec(name)
    assert spec is not None
    same: list[Callable[[ModuleSpec], object]] = [
        lambda one: one.origin,
        lambda one: one.cached,
        lambda one: one.has_location,
        lambda one: one.parent,
        lambda one: one.submodule_search_locations,
        code_of,
        lambda one: code_of(one).co_filename,
    ]
    assert [of(spec) for of in same] == [of(ordinary(name)) for of in same]
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    assert (module.__file__, module.__doc__) == (ordinary(name).origin, importlib.import_module(name).__doc__)
    assert inspect.getsource(module) == Path(str(module.__file__)).read_text()
    assert importlib.resources.files(module if spec.submodule_search_locations else "crdtctl").is_dir()
    assert whole.missed == []


def test_module_of_a_pack_that_was_moved_knows_its_new_place(installed: Installed, tmp_path: Path) -> None:
    """Tracebacks, debuggers and tools that measure coverage go by the place of the code."""
    moved = tmp_path / "moved"
    installed.package.parents[3].rename(moved)
    packages = package_below(moved).parent
    code = (
        "import sys; sys.path.append(sys.argv[1]); from crdtctl.pack import use; use()\n"
        "from crdtctl.cli import main\n"
        "print(type(main.__spec__.loader).__name__, main.main.__code__.co_filename)"
    )
    done = run_words(installed.shell, [sys.executable, "-S", "-c", code, packages])
    assert done == Result(0, f"Loader {packages}/crdtctl/cli/main.py\n", "")


def test_module_that_is_not_in_a_pack_is_left_to_others_and_noted(whole: Pack) -> None:
    assert whole.find_spec("json") is None
    assert whole.find_spec("crdtctl.unheard_of") is None
    assert whole.missed == ["crdtctl.unheard_of"]
