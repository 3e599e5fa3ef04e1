"""Runs crdtctl from the one file that this is the start of: it unpacks its packages once, into the user's cache.

A module with compiled parts cannot be imported from an archive. The syntax here is that of Python 3.6, so that an old
Python prints which one is needed instead of a syntax error.
"""

import os
import sys

#: A hash of the packages, which the build puts here. A cache with this name is complete.
DIGEST = ""
_OLDEST = (3, 11)


def stop(status, text):
    """End the process with a message."""
    sys.stderr.write(f"crdtctl: {text}\n")
    sys.exit(status)


def caches():
    """Yield directories for unpacked packages, the best one first: of the user, or else for temporary files."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    yield os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.cache"), "crdtctl")
    import tempfile

    yield os.path.join(tempfile.gettempdir(), f"crdtctl-{os.getuid()}")


def is_ours(directory):
    """Return whether no other user can write to a directory."""
    status = os.lstat(directory)
    return os.path.isdir(directory) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def unpack(archive, cache):
    """Unpack the packages into a cache, completely or not at all. Several processes may do so at the same time."""
    import io
    import shutil
    import tempfile
    import zipfile

    os.makedirs(cache, mode=0o700, exist_ok=True)
    if not is_ours(cache):
        raise OSError(f"another user can write to {cache}")
    place = tempfile.mkdtemp(prefix="unpacking-", dir=cache)
    try:
        with zipfile.ZipFile(archive) as outer:
            data = io.BytesIO(outer.read("packages.zip"))
        with zipfile.ZipFile(data) as inner:
            inner.extractall(place)
        try:
            os.rename(place, os.path.join(cache, DIGEST))
        except OSError:  # another process was faster
            if not os.path.isdir(os.path.join(cache, DIGEST)):
                raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def packages(archive):
    """Return the directory of the unpacked packages."""
    reasons = []
    for cache in caches():
        place = os.path.join(cache, DIGEST)
        try:
            if not os.path.isdir(place):
                unpack(archive, cache)
            if is_ours(cache):
                return place
            reasons.append(f"another user can write to {cache}")
        except OSError as error:
            reasons.append(str(error))
    return stop(73, f"cannot unpack its packages: {'; '.join(reasons)}; set XDG_CACHE_HOME to a directory of yours")


def main():
    """Run the command line of this process."""
    if sys.version_info < _OLDEST:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        stop(69, f"Python {_OLDEST[0]}.{_OLDEST[1]} or newer is needed, and this is {found}")
    place = packages(sys.path[0])
    import _imp

    if not any(os.path.exists(place + "/msgspec/_core" + suffix) for suffix in _imp.extension_suffixes()):
        system = f"{sys.implementation.name} {sys.version.split()[0]} on {os.uname().machine}"
        stop(69, f"this file was not made for {system}; install the program: pipx install crdtctl")
    sys.path[0] = place
    from crdtctl.pack import use

    pack = use()
    from crdtctl.__main__ import run

    run(pack)


main()
