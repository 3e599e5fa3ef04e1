"""The files that a followed log leaves behind when it is rotated: ``log``, ``log.1``, ``log-20260131``.

>>> following("log.3", ["log", "log.1", "log.2", "log.3", "log.4.gz"], "log")
'log.2'
>>> following("log-20260101", ["log", "log-20260101", "log-20260301", "log-20260201"], "log")
'log-20260201'
>>> following("log.old", ["log", "log.1", "log.old"], "log")
'log'
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def following(name: str, names: Iterable[str], log: str) -> str:
    """Return the name of the file that was written after the file `name`: a rotated one, or the `log` itself."""
    prefix, number = _numbered(name, log)
    others = [(one, _numbered(one, log)) for one in names]
    alike = [(int(digits), one) for one, (before, digits) in others if digits and before == prefix]
    if not number:
        return log
    if prefix == f"{log}.":
        return max(((found, one) for found, one in alike if found < int(number)), default=(0, log))[1]
    return min(((found, one) for found, one in alike if found > int(number)), default=(0, log))[1]


def _numbered(name: str, log: str) -> tuple[str, str]:
    """Return the text before the number at the end of a rotated file's name, and the number; empty without one."""
    digits = name[len(name.rstrip("0123456789")) :]
    prefix = name[: len(name) - len(digits)]
    return (prefix, digits) if name.startswith(log) and len(prefix) > len(log) else ("", "")


def siblings(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the names that begin with the one of the file at `path`, in its directory, and their files' status."""
    directory, log = os.path.split(path)
    for name in sorted(os.listdir(directory)):
        if name.startswith(log):
            try:
                yield name, os.stat(os.path.join(directory, name))
            except FileNotFoundError:  # renamed in between
                pass
