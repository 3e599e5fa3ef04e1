"""Names of objects: ``OWNER.HASH.TIME.crdt.json``, or ``….crdt.sealed`` at a private remote (`keys`). Pure.

OWNER is the id of the owner as far as a file name can hold it. HASH is the start of the hash of the content. TIME is
the time of the owner's last sync with the remote, in UTC. A replica without new content puts the same content under a
name with the present time, and deletes the former object, when the former time is older than the interval. This is not
a commit, and other replicas do not read the object again: they know its hash. The time is only advice. No count depends
on it.
"""

from __future__ import annotations

import time

from crdtctl.sync.hashing import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

#: The end of each name, and of each name at a private remote.
SUFFIX: Final = ".crdt.json"
SEALED_SUFFIX: Final = ".crdt.sealed"
#: Seconds after which the time in the name of an object is renewed.
RENEWAL_SECONDS: Final = 1800.0
#: Maximum number of seconds that another machine's clock may be ahead.
AHEAD: Final = 300.0
#: A hash for names whose hash does not matter.
ANY_DIGEST: Final = "0" * 16
#: Maximum length of the readable part of a replica id.
_MAX_LABEL = 60
_FORMAT = "%Y%m%dT%H%M%SZ"
#: A time in a name, in this format.
_TIME_LENGTH = 16
_HEXADECIMAL = frozenset("0123456789abcdef")
_DIGITS = frozenset("0123456789")
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def name_of(owner: str, digest: str) -> str:
    """Return the name of an object without a time: readable, safe on all file systems, and unique to its content.

    >>> name_of("büro/1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7", "0f" * 16)
    'b-ro-1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7.0f0f0f0f0f0f0f0f.crdt.json'
    """
    label, _, bits = owner.rpartition("-")
    if not (len(bits) == 32 and _HEXADECIMAL.issuperset(bits)):
        label, bits = owner, blake2b(owner.encode(), digest_size=16).hexdigest()
    if not _SAFE.issuperset(label):
        label = "".join([character if character in _SAFE else "-" for character in label])
    return f"{label[:_MAX_LABEL].lstrip('.-') or 'replica'}-{bits}.{digest[:16]}{SUFFIX}"


def stem_of(name: str) -> str:
    """Return the part of a name that all objects of its owner share; empty if it is not the name of an object.

    >>> stem_of("a-1.0123456789abcdef.19700101T000000Z.crdt.json"), stem_of("a-1.crdt.json")
    ('a-1', '')
    """
    stem, _, digest = without_time(name).removesuffix(_suffix_of(name)).rpartition(".")
    return stem if len(digest) == 16 and _HEXADECIMAL.issuperset(digest) else ""


def with_time(name: str, now: float) -> str:
    """Return the name of an object with a time added.

    >>> with_time("a-1.0123456789abcdef.crdt.json", 0)
    'a-1.0123456789abcdef.19700101T000000Z.crdt.json'
    """
    suffix = _suffix_of(name)
    return f"{name.removesuffix(suffix)}.{time.strftime(_FORMAT, time.gmtime(now))}{suffix}"


def without_time(name: str) -> str:
    """Return the name of an object without its time, which identifies the content.

    >>> without_time("a-1.0123456789abcdef.19700101T000000Z.crdt.json")
    'a-1.0123456789abcdef.crdt.json'
    """
    content = _divided(name)[0]
    return f"{content}{_suffix_of(name)}" if content else name


def last_sync_time(name: str) -> float | None:
    """Return the time in the name of an object, in seconds since the epoch; None without a valid time.

    >>> last_sync_time("a-1.0123456789abcdef.19700101T000100Z.crdt.json")
    60
    """
    return _seconds(_divided(name)[1])


def needs_renewal(name: str, now: float, interval: float) -> bool:
    """Return whether the time in the name of an own object is to be renewed. With an interval of 0 it never is."""
    when = last_sync_time(name)
    return interval > 0 and (when is None or not now - interval < when <= now + AHEAD)


def is_object_name(name: str) -> bool:
    """Return whether a name ends like those of objects."""
    return name.endswith((SUFFIX, SEALED_SUFFIX))


def is_sealed_name(name: str) -> bool:
    """Return whether a name at a remote has the form of a sealed object's name, with any key."""
    content, _, check = name.removesuffix(SEALED_SUFFIX).rpartition(".")
    stem = stem_of(f"{content}{SEALED_SUFFIX}") if name.endswith(SEALED_SUFFIX) and "." in content else ""
    key, _, owner = stem.partition("-")
    digits = f"{key}{owner}{check}"
    return (len(key), len(owner), len(check)) == (16, 32, 16) and _HEXADECIMAL.issuperset(digits)


def _suffix_of(name: str) -> str:
    return SEALED_SUFFIX if name.endswith(SEALED_SUFFIX) else SUFFIX


def _divided(name: str) -> tuple[str, str]:
    """Return the two parts of a name with a time: the hash of the content, and the time. Both are empty without."""
    if not is_object_name(name):
        return "", ""
    content, _, when = name.removesuffix(_suffix_of(name)).rpartition(".")
    label, _, digest = content.rpartition(".")
    is_time = len(when) == _TIME_LENGTH and when[8] == "T" and when[15] == "Z"
    if not is_time or not _DIGITS.issuperset(when[:8]) or not _DIGITS.issuperset(when[9:15]):
        return "", ""
    if not label or "\n" in label or len(digest) != 16 or not _HEXADECIMAL.issuperset(digest):
        return "", ""
    return content, when


def _seconds(when: str) -> int | None:
    """Return a time in the format of names in seconds since the epoch; None for an invalid time."""
    if not when:
        return None
    year, month, day = int(when[:4]), int(when[4:6]), int(when[6:8])
    hour, minute, second = int(when[9:11]), int(when[11:13]), int(when[13:15])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (year and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]) or (month == 2 and day == 29 and not is_leap):
        return None
    if hour > 23 or minute > 59 or second > 61:
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    days += sum(_DAYS[: month - 1]) - (month > 2 and not is_leap) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second
