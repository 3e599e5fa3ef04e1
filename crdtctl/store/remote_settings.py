"""The remotes in ``config.toml``, changed without touching comments and other settings."""

from __future__ import annotations

from crdtctl.errors import ConfigError, ExistsError, MissingError, UsageError, printable
from crdtctl.records import replace
from crdtctl.store import config, which
from crdtctl.store.validation import check_strings
from crdtctl.suggestions import did_you_mean
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.store import durable
    from crdtctl.store.files import Directory

    _Remotes: TypeAlias = Mapping[str, config.RemoteSettings]
else:
    from crdtctl import patterns as re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def add_remote(
    directory: Directory,
    timeout: float | None,
    name: str,
    url: str | os.PathLike[str],
    only: str = "",
    keep_old: bool = False,
    keys: Sequence[str] = (),
) -> None:
    """Add a remote; a path is made absolute. Raise `UsageError` for a wrong name, `ExistsError` for a taken one."""
    check_strings(name=name)
    if not config.is_name(name):
        raise UsageError(f"the name of a remote is {config.NAMES}: '{printable(name[:80])}'")
    if only not in ("", *config.DIRECTIONS):
        raise UsageError(f"a remote is limited to one of {', '.join(config.DIRECTIONS)}, not {only!r:.80}")
    new = config.RemoteSettings(_absolute(url), only, bool(keep_old), tuple(keys))

    def add(before: _Remotes) -> _Remotes:
        if name in before:
            raise ExistsError(f"there is a remote '{name}' already", "'crdtctl remote list' shows it; remove it first")
        return {**before, name: new}

    _edit(directory, timeout, add, lambda text: config.with_remote(text, name, new))


def remove_remote(directory: Directory, timeout: float | None, name: str) -> None:
    """Remove a remote from the settings; the files at the remote stay. Raise `MissingError` for an unknown one."""

    def remove(before: _Remotes) -> _Remotes:
        _find(before, name)
        return {other: settings for other, settings in before.items() if other != name}

    _edit(directory, timeout, remove, lambda text: config.without_remote(text, name))


def set_keys(directory: Directory, timeout: float | None, name: str, keys: Sequence[str]) -> None:
    """Set the sources of the keys of a remote. Raise `MissingError` for an unknown remote."""
    new: list[config.RemoteSettings] = []

    def change(before: _Remotes) -> _Remotes:
        _find(before, name)
        new.append(before[name]._replace(keys=tuple(keys)))
        return {**before, name: new[0]}

    _edit(directory, timeout, change, lambda text: config.changed_remote(text, name, new[0]))


def _find(remotes: _Remotes, name: str) -> None:
    """Raise `MissingError` for an unknown remote."""
    if name not in remotes:
        hint = did_you_mean(name, remotes) or "'crdtctl remote list' lists them"
        raise MissingError(f"unknown remote '{printable(name[:80])}'", hint)


def _edit(
    directory: Directory,
    timeout: float | None,
    expect: Callable[[_Remotes], _Remotes],
    change: Callable[[str], str],
) -> None:
    """Change the text of the settings. Raise `ConfigError` if the new text does not mean the expected remotes."""
    with directory.locked(config.WHICH, timeout) as lock:
        path = directory.file("config.toml")
        before = config.read(directory.fd, path)
        wanted = replace(before, remotes=expect(before.remotes))
        try:
            text, found = config.edit(directory.fd, path, change)
        except ConfigError:
            found = before
        if found != wanted:
            raise ConfigError(f"cannot change the remotes in {path} as they are written", "edit it by hand")

        def fill(draft: durable.Draft) -> bool:
            draft.write(text.encode())
            return True

        directory.write(config.WHICH, lock, fill, config.ENDING)


def _absolute(url: str | os.PathLike[str]) -> str:
    """Return a URL as it is, and a path as an absolute one: the remote is used from any directory."""
    if not isinstance(url, str | os.PathLike):
        raise UsageError(f"a remote is a URL or a path, not {type(url).__name__}")
    text = os.fspath(url)
    is_url = isinstance(url, str) and _SCHEME.match(text)
    return text if is_url else os.path.abspath(which.expanded(text))
