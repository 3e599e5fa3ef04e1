"""Finding the replica, like git finds a repository.

In this order: what ``--replica`` or ``CRDTCTL_REPLICA`` names; the nearest ``.crdtctl`` upward from here;
the user's data directory. On the path of every increment, so it imports nothing.
"""

import os

NAME = ".crdtctl"
VARIABLE = "CRDTCTL_REPLICA"


def named(path: str) -> str:
    """Return the replica's directory for the path that a user gave: itself, or the ``.crdtctl`` in it."""
    if not os.path.exists(f"{path}/own.json") and os.path.exists(f"{path}/{NAME}/own.json"):
        return f"{path}/{NAME}"
    return path


def upward() -> str | None:
    """Return the nearest ``.crdtctl`` upward from the current directory."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return None
    while True:
        path = f"{here}/{NAME}" if here != "/" else f"/{NAME}"
        if os.path.isdir(path):
            return path
        if here == "/":
            return None
        here = os.path.dirname(here)


def in_user_data() -> str:
    """Return where the replica in the user's data directory is, or would be."""
    home = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(home):
        home = os.path.expanduser("~/.local/share")
    return f"{home}/crdtctl"


def find(given: str | None) -> str:
    """Return the directory of the replica to use; it need not exist."""
    given = given or os.environ.get(VARIABLE)
    return named(given) if given else upward() or in_user_data()
