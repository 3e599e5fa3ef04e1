"""What the package offers: names, words about them, failures, and what importing it costs."""

import inspect
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import pytest

import crdtctl
from crdtctl import errors
from crdtctl.errors import CrdtctlError

MODULES = sorted(
    found.name for found in walk_packages(crdtctl.__path__, "crdtctl.") if not found.name.endswith("__main__")
)


def test_what_is_exported_is_what_all_says() -> None:
    assert sorted(crdtctl.__all__) == crdtctl.__all__
    for name in crdtctl.__all__:
        assert getattr(crdtctl, name) is not None
    namespace: dict[str, object] = {}
    exec("from crdtctl import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(crdtctl.__all__)
    own = {name for name, value in vars(crdtctl).items() if not isinstance(value, ModuleType)}
    assert {name for name in own if not name.startswith("_")} - {"TYPE_CHECKING"} <= set(crdtctl.__all__)


@pytest.mark.parametrize("name", ["Nothing", "replica", "os"])
def test_a_name_that_is_not_exported_is_not_there(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(crdtctl, name)
    with pytest.raises(ImportError):
        exec(f"from crdtctl import {name}")


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import crdtctl; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['crdtctl']\n"


def test_the_library_imports_nothing_that_only_the_command_line_needs() -> None:
    code = "import sys; from crdtctl import Replica; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert "crdtctl" in found
    assert found.isdisjoint(
        {
            "msgspec",
            "typing",
            "re",
            "dataclasses",
            "typer",
            "click",
            "rich",
            "filelock",
            "tomllib",
            "tomli_w",
            "pydantic",
        }
    )


def public(module: ModuleType) -> list[tuple[str, object]]:
    """Return the public classes and functions of a module, and the public methods of the classes."""
    found: list[tuple[str, object]] = []
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            found.append((name, value))
            found += [(f"{name}.{method}", getattr(value, method)) for method in _methods(value)]
        elif inspect.isfunction(value):
            found.append((name, value))
    return found


def _methods(kind: type) -> list[str]:
    return [
        name
        for name, value in vars(kind).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | classmethod))
    ]


@pytest.mark.parametrize("name", MODULES)
def test_every_public_thing_says_what_it_is_for(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    lacking = [what for what, value in public(module) if not inspect.getdoc(value)]
    assert lacking == []


def tree(kind: type[Exception], depth: int = 0) -> list[tuple[int, str, int, str]]:
    """Return a class and all that derive from it, each with how deep it stands, its status and its name."""
    found = [(depth, kind.__name__, getattr(kind, "status", 0), getattr(kind, "name", ""))]
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            found += tree(below, depth + 1)
    return found


def drawn() -> list[tuple[int, str, int, str]]:
    """Return the same, as the module's docstring draws it."""
    assert errors.__doc__ is not None
    found = []
    for line in errors.__doc__.splitlines():
        if "├── " in line or "└── " in line:
            branch, _, rest = line.partition("── ")
            name, status, word, *_ = rest.split()
            found.append((len(branch) // 4, name, int(status), word))
    return found


def test_the_tree_of_failures_that_is_drawn_is_the_one_there_is() -> None:
    classes = tree(CrdtctlError)
    assert classes[0][:2] == (0, "CrdtctlError")
    assert drawn() == classes[1:]


def test_every_failure_has_a_status_of_its_own_which_the_help_explains() -> None:
    statuses = [status for depth, _, status, _ in tree(CrdtctlError) if depth == 1]
    assert len(set(statuses)) == len(statuses)
    assert {status for status, _, meaning in errors.exit_statuses() if meaning} == {0, *statuses, 129, 130, 143}
    names = [name for depth, _, _, name in tree(CrdtctlError) if depth == 1]
    assert len(set(names)) == len(names)


def test_a_failure_below_another_has_the_status_and_the_name_of_that() -> None:
    above = (0, "")
    for depth, _, status, name in tree(CrdtctlError)[1:]:
        if depth == 1:
            above = (status, name)
        assert (status, name) == above


@pytest.mark.parametrize("name", MODULES)
def test_every_exception_of_the_package_that_may_come_out_is_in_the_tree(name: str) -> None:
    """What is outside of it is caught inside: it must not be one that the documentation promises."""
    inside = {
        "Refused",
        "Emptied",
        "Lacking",
        "NotApplied",
        "StatusError",
        "ProtocolError",
        "ChannelClosedError",
        "NoWriter",
    }
    inside |= {
        "BadInput",
        "Fall",
        "Ended",
        "FailedInChild",
        "ForeignLink",
        "Refusal",
        "Unclear",
        "Malformed",
        "TooLong",
        "NotANumber",
        "NeedsAll",
        "RoundFailed",
    }
    for what, value in public(import_module(name)):
        if inspect.isclass(value) and issubclass(value, Exception):
            assert issubclass(value, CrdtctlError) or what in inside


def test_a_failure_reads_as_one_line_with_its_hint() -> None:
    assert str(errors.DataError("it is wrong")) == "it is wrong"
    assert str(errors.DataError("it is wrong", "correct it")) == "it is wrong; correct it"
