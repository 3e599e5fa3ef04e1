"""The kind of a path, folder or git repository, and a check against the kind at the last sync."""

from __future__ import annotations

from crdtctl.errors import UnavailableError, printable
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.object_name import SUFFIX
from crdtctl.sync.schemes import is_path, is_repository_at
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from crdtctl.sync.transport import Deadline

FOLDER: Final = "folder"
REPOSITORY: Final = "repository"


def kind_of(url: str, deadline: Deadline, state: str) -> str:
    """Return the kind of the place at a path; empty for a URL, whose scheme decides."""
    if not is_path(url):
        return ""
    return REPOSITORY if is_repository_at(url, deadline, state) else FOLDER


def address(url: str, now: str, remembered: str) -> str:
    """Return the URL of a remote for its transport, from the kind of the path `now` and at the last sync.

    A folder that has also become a repository is still used as a folder, because the other replicas use it as one.
    Raise `UnavailableError` if the kind is ambiguous, or if a former repository is not one any more.
    """
    if not now or now == remembered or (now, remembered) == (FOLDER, ""):
        return url
    from urllib.parse import quote

    path = os.path.expanduser(url)
    if remembered == FOLDER:
        return f"file://{quote(path)}"
    place, _, branch = path.partition("#")
    shown = printable(url)
    if remembered == REPOSITORY:
        raise UnavailableError(
            f"{shown} was a git repository at the last sync, but is not one now",
            f"check that it is mounted; to use it as a folder: file://{quote(path)}",
        )
    if now == REPOSITORY and _has_states(place):
        raise UnavailableError(
            f"{shown} is a git repository, but also a folder with state files",
            f"choose one: file://{quote(place)} or git+file://{quote(place)}{f'#{branch}' if branch else ''}",
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
