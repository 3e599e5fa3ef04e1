"""Names of objects: ``OWNER.HASH.TIME.crdt.json``. Pure.

OWNER is the id of the owner as far as a file name can hold it. HASH is the start of the hash of the content. TIME is
the time of the owner's last sync with the remote, in UTC. A replica without new content puts the same content under a
name with the present time, and deletes the former object, when the former time is older than the interval. This is not
a commit, and other replicas do not read the object again: they know its hash. The time is only advice. No count depends
on it.
"""

import re
import time
from calendar import timegm
from hashlib import blake2b
from typing import Final

#: The end of each name.
SUFFIX: Final = ".crdt.json"
#: Seconds after which the time in the name of an object is renewed.
RENEWAL_SECONDS: Final = 1800.0
#: Maximum number of seconds that another machine's clock may be ahead.
AHEAD: Final = 300.0
#: A hash for names whose hash does not matter.
ANY_DIGEST: Final = "0" * 16
#: Maximum length of the readable part of a replica id.
_MAX_LABEL = 60
_FORMAT = "%Y%m%dT%H%M%SZ"
_TIMED = re.compile(r"(?P<content>.+\.[0-9a-f]{16})\.(?P<time>\d{8}T\d{6}Z)\.crdt\.json", re.ASCII)
_BITS = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def name_of(owner: str, digest: str) -> str:
    """Return the name of an object without a time: readable, safe on all file systems, and unique to its content.

    >>> name_of("büro/1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7", "0f" * 16)
    'b-ro-1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7.0f0f0f0f0f0f0f0f.crdt.json'
    """
    label, _, bits = owner.rpartition("-")
    if not _BITS.fullmatch(bits):
        label, bits = owner, blake2b(owner.encode(), digest_size=16).hexdigest()
    return f"{_UNSAFE.sub('-', label)[:_MAX_LABEL].lstrip('.-') or 'replica'}-{bits}.{digest[:16]}{SUFFIX}"


def stem_of(name: str) -> str:
    """Return the part of a name that all objects of its owner share; empty if it is not the name of an object.

    >>> stem_of("a-1.0123456789abcdef.19700101T000000Z.crdt.json"), stem_of("a-1.crdt.json")
    ('a-1', '')
    """
    stem, _, digest = without_time(name).removesuffix(SUFFIX).rpartition(".")
    return stem if _DIGEST.fullmatch(digest) else ""


def with_time(name: str, now: float) -> str:
    """Return the name of an object with a time added.

    >>> with_time("a-1.0123456789abcdef.crdt.json", 0)
    'a-1.0123456789abcdef.19700101T000000Z.crdt.json'
    """
    return f"{name.removesuffix(SUFFIX)}.{time.strftime(_FORMAT, time.gmtime(now))}{SUFFIX}"


def without_time(name: str) -> str:
    """Return the name of an object without its time, which identifies the content.

    >>> without_time("a-1.0123456789abcdef.19700101T000000Z.crdt.json")
    'a-1.0123456789abcdef.crdt.json'
    """
    found = _TIMED.fullmatch(name)
    return f"{found['content']}{SUFFIX}" if found else name


def last_sync_time(name: str) -> float | None:
    """Return the time in the name of an object, in seconds since the epoch; None without a valid time.

    >>> last_sync_time("a-1.0123456789abcdef.19700101T000100Z.crdt.json")
    60
    """
    found = _TIMED.fullmatch(name)
    try:
        return timegm(time.strptime(found["time"], _FORMAT)) if found else None
    except ValueError:
        return None


def needs_renewal(name: str, now: float, interval: float) -> bool:
    """Return whether the time in the name of an own object is to be renewed. With an interval of 0 it never is."""
    when = last_sync_time(name)
    return interval > 0 and (when is None or not now - interval < when <= now + AHEAD)
