"""Settings of git that let it merge and show state files, and lines of ``.gitattributes``."""

from __future__ import annotations

import os
import subprocess
from shlex import quote

from crdtctl.cli import git_attributes, program
from crdtctl.errors import MissingError, RefusedError, StorageError, UsageError, printable
from crdtctl.records import NamedTuple
from crdtctl.store.join_files import is_state
from crdtctl.store.target import write_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MERGE, _DIFF = f"merge.{git_attributes.NAME}", f"diff.{git_attributes.NAME}"
#: All settings that are made.
_KEYS = (f"{_MERGE}.name", f"{_MERGE}.driver", f"{_DIFF}.textconv")
#: Files that are looked at without a PATTERN.
_ENDINGS = ("*.json", "*.toml")
_FILE = ".gitattributes"


class Change(NamedTuple):
    """A setting or a line that was changed: "set", "unset", "added" or "removed"; the file; and the text."""

    what: str
    where: str
    text: str


class Check(NamedTuple):
    """One requirement of git: its subject, whether it is fulfilled, and the text about it, with advice for a fault."""

    what: str
    ok: bool
    found: str


def install(patterns: Sequence[str], *, is_global: bool) -> list[Change]:
    """Make the settings, and add lines for the patterns, or for all state files of the work tree; return the changes.

    With `is_global`, lines are added for patterns only. Raise `MissingError` without git, a work tree or files.
    """
    changes = []
    path = None if is_global and not patterns else _attributes()
    lines = _lines(patterns) if path is not None else []
    scope = _scope(is_global)
    if not is_global:
        _top()
    for key, value in zip(_KEYS, _values(), strict=True):
        if _setting(scope, key) != value:
            _git("config", scope, key, value)
            changes.append(Change("set", scope[2:], f"{key}={value}"))
    if path is not None:
        text, added = git_attributes.with_lines(_text(path), lines)
        if added:
            _write(path, text)
        changes += [Change("added", _FILE, line) for line in added]
    return changes


def uninstall(*, is_global: bool) -> list[Change]:
    """Remove the settings and the lines of `install`; return the changes. With `is_global`, no lines are removed."""
    changes = []
    scope = _scope(is_global)
    path = None if is_global else _attributes()
    for key in _KEYS:
        value = _setting(scope, key)
        if value is not None:
            _git("config", scope, "--unset-all", key)
            changes.append(Change("unset", scope[2:], f"{key}={value}"))
    if path is not None:
        text, removed = git_attributes.without_ours(_text(path))
        if removed and text:
            _write(path, text)
        elif removed:
            os.unlink(path)
        changes += [Change("removed", _FILE, line) for line in removed]
    return changes


def checks() -> list[Check]:
    """Return the requirements of git here, and each state file of the work tree that git merges as text."""
    values = _values()
    found = [_setting("", key) for key in _KEYS]
    advice = "run 'crdtctl git install'"
    checks = []
    for what, place in (("merge", 1), ("diff", 2)):
        value = found[place]
        if value is None:
            checks.append(Check(what, False, f"git has no driver for state files here: {advice}"))
        else:
            other = "" if value == values[place] else f", another program than this one; to change it, {advice}"
            checks.append(Check(what, True, f"{printable(value)}{other}"))
    lines = [line for line in _text(_attributes()).split("\n") if git_attributes.is_ours(line)]
    checks += [Check("files", True, printable(line)) for line in lines]
    left = _unattributed()
    checks += [Check("files", False, f"git merges {printable(path)} as text: {advice}") for path in left]
    if not lines and not left:
        checks.append(Check("files", False, f"{_FILE} names no state files: {advice} PATTERN"))
    return checks


def _values() -> tuple[str, str, str]:
    """Return the values of the settings. git runs them with a shell, and replaces '%' and a letter in the driver."""
    words = " ".join(map(quote, program.words()))
    driver = words.replace("%", "%%")
    return (
        "join state files of crdtctl",
        f"{driver} git driver -- %O %A %B %L %P",
        f"{words} git textconv --",
    )


def _scope(is_global: bool) -> str:
    return "--global" if is_global else "--local"


def _setting(scope: str, key: str) -> str | None:
    """Return a setting in a scope ('': in any); None without it."""
    done = _run("config", *([scope] if scope else []), "--get", key)
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n") if done.returncode == 0 else None


def _lines(patterns: Sequence[str]) -> list[str]:
    if patterns:
        prefix = _git("rev-parse", "--show-prefix").removesuffix("\n")
        for one in patterns:
            if not one or "\n" in one or not one.isprintable():
                raise UsageError(f"'{printable(one)}' is not a pattern of git", "for example 'counts/*.json'")
        return [git_attributes.of_pattern(one, prefix) for one in patterns]
    found = [git_attributes.of_file(path) for path in _unattributed()]
    if not found and not any(map(git_attributes.is_ours, _text(_attributes()).split("\n"))):
        raise MissingError(
            "this work tree has no state file that git may commit",
            "name the files to come: crdtctl git install 'counts/*.json'",
        )
    return found


def _unattributed() -> list[str]:
    """Return the paths of the state files of the work tree, in git or not yet, that no merge driver joins."""
    top = _top()
    listed = _git("-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_ENDINGS)
    paths = sorted({path for path in listed.split("\0") if path and _holds_state(os.path.join(top, path))})
    if not paths:
        return []
    names = "".join([f"{path}\0" for path in paths]).encode("utf-8", "surrogateescape")
    answer = _git("-C", top, "check-attr", "-z", "--stdin", "merge", stdin=names).split("\0")
    drivers = dict(zip(answer[0::3], answer[2::3], strict=False))
    return [path for path in paths if drivers.get(path) != git_attributes.NAME]


def _holds_state(path: str) -> bool:
    try:
        return os.path.isfile(path) and not os.path.islink(path) and is_state(path)
    except OSError:
        return False


def _top() -> str:
    return _git("rev-parse", "--show-toplevel").removesuffix("\n")


def _attributes() -> str:
    return os.path.join(_top(), _FILE)


def _text(path: str) -> str:
    if os.path.islink(path):
        raise RefusedError(f"{printable(path)} is a symbolic link, which git does not follow", "put a file there")
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StorageError(f"cannot read {printable(path)}: {error.strerror}") from None


def _write(path: str, text: str) -> None:
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else None
    write_report(path, text.encode("utf-8", "surrogateescape"), b"", mode=mode)


def _run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise MissingError("git is not installed, or not in PATH", "install git") from None


def _git(*words: str, stdin: bytes = b"") -> str:
    """Return the output of git; raise the error that it reports."""
    done = _run(*words, stdin=stdin)
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "surrogateescape")
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    reason = lines[-1].removeprefix("fatal: ").removeprefix("error: ") if lines else f"status {done.returncode}"
    if words[:1] == ("rev-parse",):
        raise MissingError(f"this is not a work tree of git: {printable(reason)}", "change to one, or: git init")
    raise StorageError(f"git could not {' '.join(words[:1])}: {printable(reason)}")
