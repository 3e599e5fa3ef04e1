"""When a replica last synced, in the name of its object. Pure.

The name of an object is ``OWNER.HASH.TIME.crdt.json``. TIME says when its owner last synced with the remote, in UTC.
Where a replica has nothing new, and the time in the name of its object is older than the interval, it puts the same
content under a new name, and deletes the old. That is no commit, and nobody reads the object again: who knows the
content with this hash takes the new name for it. The time is advice only: nothing that counts depends on it.
"""

import re
import time
from calendar import timegm
from typing import Final

#: What the name of an object ends with.
SUFFIX: Final = ".crdt.json"
#: A time in the name of an object is renewed after so many seconds.
INTERVAL: Final = 1800.0
#: So many seconds another machine's clock may be ahead.
AHEAD: Final = 300.0
_FORMAT = "%Y%m%dT%H%M%SZ"
_STAMPED = re.compile(r"(?P<content>.+\.[0-9a-f]{16})\.(?P<time>\d{8}T\d{6}Z)\.crdt\.json", re.ASCII)


def with_time(name: str, now: float) -> str:
    """Return the name of an object with a time in it.

    >>> with_time("a-1.0123456789abcdef.crdt.json", 0)
    'a-1.0123456789abcdef.19700101T000000Z.crdt.json'
    """
    return f"{name.removesuffix(SUFFIX)}.{time.strftime(_FORMAT, time.gmtime(now))}{SUFFIX}"


def without_time(name: str) -> str:
    """Return the name of an object without the time in it, which stands for its content.

    >>> without_time("a-1.0123456789abcdef.19700101T000000Z.crdt.json")
    'a-1.0123456789abcdef.crdt.json'
    """
    found = _STAMPED.fullmatch(name)
    return f"{found['content']}{SUFFIX}" if found else name


def seen(name: str) -> float | None:
    """Return when the owner of an object last synced, in seconds since the epoch; None if its name does not say.

    >>> seen("a-1.0123456789abcdef.19700101T000100Z.crdt.json"), seen("a-1.0123456789abcdef.crdt.json")
    (60, None)
    """
    found = _STAMPED.fullmatch(name)
    try:
        return timegm(time.strptime(found["time"], _FORMAT)) if found else None
    except ValueError:
        return None


def needs_renewal(name: str, now: float, interval: float) -> bool:
    """Return whether the time in the name of an own object is to be renewed. With an interval of 0 it never is."""
    when = seen(name)
    return interval > 0 and (when is None or not now - interval < when <= now + AHEAD)
