"""Whether two URLs name one place, whatever their spelling. It decides whether the settings of a remote hold."""

from __future__ import annotations

from crdtctl.sync.mounts import may_hang
from crdtctl.sync.schemes import is_command, is_path
from crdtctl.system import os

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git+ssh": 22, "git+http": 80, "git+https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_same_place(one: str, other: str) -> bool:
    """Return whether two URLs or paths that have passed `check` name one place, as far as their text shows it.

    Links are followed on this machine. Whether two names of hosts are one machine is not looked up.
    """
    return one == other or _plain(one) == _plain(other)


def _plain(url: str) -> tuple[object, ...]:
    """Return the parts of a URL, equal for all spellings of a place."""
    if is_path(url):
        path, _, branch = url.partition("#")
        return _path(os.path.expanduser(path), branch)
    if is_command(url):
        return ("exec", *url.partition(":")[2].split())
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme in ("file", "git+file") and (not host or host in _LOOPBACK):
        return _path(unquote(parts.path), parts.fragment)
    if scheme == "rclone":
        return scheme, url.partition(":")[2].rstrip("/")
    try:
        port = parts.port or _PORTS.get(scheme)
    except ValueError:
        port = None
    path = "/".join(part for part in unquote(parts.path).split("/") if part)
    return scheme, parts.username, "localhost" if host in _LOOPBACK else host, port, path, parts.query, parts.fragment


def _path(path: str, branch: str) -> tuple[object, ...]:
    path = os.path.abspath(path)
    return "", path if may_hang(path) else os.path.realpath(path), branch
