"""What takes the place of `os` in the plainest commands does the same."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import more_paths
from crdtctl.system import Paths
from tests.support.places import quick_directory

PATHS = st.text(alphabet="/a.~", max_size=8)


@given(path=PATHS, other=PATHS)
def test_functions_on_the_text_of_paths_are_those_of_os(path: str, other: str) -> None:
    assert Paths().dirname(path) == os.path.dirname(path)
    assert Paths().isabs(path) == os.path.isabs(path)
    assert Paths().join(path, other) == os.path.join(path, other)
    for function in ("abspath", "basename", "expanduser"):
        assert getattr(more_paths, function)(path) == getattr(os.path, function)(path), function


@given(
    parts=st.lists(
        st.sampled_from(("folder", "link", "up", "out", "circle", "file", "missing", ".", "..", "")), max_size=6
    )
)
def test_links_are_followed_as_by_os(parts: list[str]) -> None:
    with quick_directory() as name, contextlib.chdir(name):
        place = Path(name)
        (place / "folder").mkdir()
        (place / "file").touch()
        for link, target in {
            "link": "folder/../folder",
            "up": "..",
            "out": f"{place}/link",
            "circle": "circle",
        }.items():
            (place / link).symlink_to(target)
            (place / "folder" / link).symlink_to(target)
        for path in ("/".join(parts), f"{place}/{'/'.join(parts)}"):
            assert more_paths.realpath(path) == os.path.realpath(path)


@pytest.mark.parametrize("home", ["/home/ada", "/home/ada/", "/", "", None])
def test_a_home_directory_is_that_of_os(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    code = "print([os.path.expanduser(path) for path in ('~', '~/x', '~root', '~nobody-of-this-name', 'x')])"
    wanted = [os.path.expanduser(path) for path in ("~", "~/x", "~root", "~nobody-of-this-name", "x")]
    assert run_without_os(code, {} if home is None else {"HOME": home}) == f"{wanted}\n"


@pytest.mark.parametrize("name", ["file", "folder", "link", "dangling", "missing", "file/below", "\0", "folder/"])
def test_functions_on_files_are_those_of_os(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    path = f"{tmp_path}/{name}"
    for function in ("exists", "lexists", "islink", "isdir", "isfile", "expanduser"):
        assert getattr(Paths(), function)(path) == getattr(os.path, function)(path), function
    statuses = [os.stat(tmp_path / one) for one in ("file", "folder", "link")]
    for one in statuses:
        for other in statuses:
            assert Paths().samestat(one, other) == os.path.samestat(one, other)


def run_without_os(code: str, variables: dict[str, str]) -> str:
    """Run code in a Python that has not imported os."""
    where = str(Path(__file__).parents[2])
    start = f"import sys; assert 'os' not in sys.modules; sys.path.append({where!r}); from crdtctl.system import os; "
    program = [sys.executable, "-S", "-E", "-P", "-X", "utf8", "-c", start + code]
    return subprocess.run(program, env=variables, capture_output=True, text=True, check=True).stdout


def test_variables_are_text_in_utf_8() -> None:
    names = "[name for name in os.environ if name != 'LC_CTYPE']"  # Python sets that one
    code = f"print(ascii(os.environ.get('É')), os.environ.get('B', 'b'), os.environ.get('B'), ascii({names}))"
    value = "ä\udcff"
    assert run_without_os(code, {"É": value}) == f"{value!a} b None {['É']!a}\n"


def test_a_variable_that_is_not_set_is_a_key_error() -> None:
    code = "print(os.environ['A']);\ntry: os.environ['B']\nexcept KeyError as error: print(repr(error))"
    assert run_without_os(code, {"A": "a"}) == "a\nKeyError('B')\n"


def test_names_of_files_are_decoded_as_by_os() -> None:
    code = "print(ascii(os.fsdecode('é')), ascii(os.fsdecode(b'\\xff')), os.fsencode('é'))"
    assert run_without_os(code, {}) == "'\\xe9' '\\udcff' b'\\xc3\\xa9'\n"


def test_any_other_name_is_that_of_os() -> None:
    code = "print(os.getpid() > 0, 'os' in sys.modules, os.sep, os.path.relpath('/a/b', '/a'), 'os' in sys.modules)"
    assert run_without_os(code, {}) == "True False / b True\n"


def test_os_itself_is_used_where_it_is_imported_already() -> None:
    from crdtctl import system

    assert system.os is os
