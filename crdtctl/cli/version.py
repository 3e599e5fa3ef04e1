"""The versions of this program, of Python, and of the packages and programs that are used."""

from __future__ import annotations

from crdtctl import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = ("--version", "-V")
_AS_JSON = (["--format", "json"], ["--format=json"], ["-f", "json"], ["-fjson"], ["--json"])


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line is ``--version`` with the format JSON, in either order."""
    words = [word for word in arguments if word not in _NAMES]
    return len(arguments) == len(words) + 1 and words in _AS_JSON


def as_json() -> str:
    """Return the versions as JSON. A package that is not installed has null."""
    import json
    import platform
    import re
    from importlib.metadata import PackageNotFoundError, requires, version

    def installed(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    try:
        needed = requires("crdtctl") or []
    except PackageNotFoundError:  # the modules run without being installed
        needed = []
    names = sorted({re.split(r"[^A-Za-z0-9_.-]", one, maxsplit=1)[0].lower() for one in needed})
    found = {
        "crdtctl": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: installed(name) for name in names},
    }
    return json.dumps(found, ensure_ascii=False)
