"""Folder or repository: what a path is, and what it was when it was synced with before."""

import os
from typing import Final
from urllib.parse import quote

from crdtctl.errors import UnavailableError, printable
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.object_name import SUFFIX
from crdtctl.sync.schemes import is_path, is_repository_at
from crdtctl.sync.transport import Deadline

FOLDER: Final = "folder"
REPOSITORY: Final = "repository"


def kind_of(url: str, deadline: Deadline, state: str) -> str:
    """Return what is at a path; empty for a URL that says by itself how it is reached."""
    if not is_path(url):
        return ""
    return REPOSITORY if is_repository_at(url, deadline, state) else FOLDER


def address(url: str, now: str, remembered: str) -> str:
    """Return the URL by which a remote is reached, given the kind of place that it is `now` and was before.

    A folder that has become a repository as well remains a folder: the others still meet there. Raise
    `UnavailableError` where the kind cannot be known, or a repository is none any more.
    """
    if not now or now == remembered:
        return url
    path = os.path.expanduser(url)
    if remembered == FOLDER:
        return f"file://{quote(path)}"
    place, _, branch = path.partition("#")
    shown = printable(url)
    if remembered == REPOSITORY:
        raise UnavailableError(
            f"{shown} was a git repository, and is none now",
            f"is it mounted? if it is to be a folder: file://{quote(path)}",
        )
    if now == REPOSITORY and _has_states(place):
        raise UnavailableError(
            f"{shown} is a git repository, and a folder with state files as well",
            f"say which is meant: file://{quote(place)} or git+file://{quote(place)}{f'#{branch}' if branch else ''}",
        )
    return url


def _has_states(place: str) -> bool:
    """Return whether there are objects beside a ``.git``."""
    if may_hang(place):
        return False
    try:
        return os.path.lexists(f"{place}/.git") and any(name.endswith(SUFFIX) for name in os.listdir(place))
    except OSError:
        return False
