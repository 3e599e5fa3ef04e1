"""What can be found out about a remote, by trying: with a file of its own, which is gone afterwards."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from crdtctl.errors import CrdtctlError
from crdtctl.store import temporary
from crdtctl.sync.retry import retry
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import CHECK_PREFIX, Deadline, Transport


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was tried: ``reachable``, ``writable``, ``readable``, ``atomic`` or ``clean``."""

    what: str
    ok: bool
    found: str


def check_remote(url: str, deadline: Deadline, place: str) -> Iterator[CheckResult]:
    """Try what a sync needs, in order, up to the first thing that fails; `place` is what a transport may keep."""
    name = f"{CHECK_PREFIX}{os.urandom(8).hex()}"
    tried = "reachable"
    try:
        scratch = temporary.directory(place)
        with connect(check(url), deadline, place) as transport, tempfile.NamedTemporaryFile(dir=scratch) as file:
            listing = retry(transport.list, deadline)
            yield CheckResult(tried, True, f"{len(listing)} file{'' if len(listing) == 1 else 's'}")
            tried = "writable"
            found = "it is there"
            try:
                for content in (b"the first\n", b"what replaced it\n"):
                    file.seek(0)
                    file.truncate()
                    file.write(content)
                    file.flush()
                    retry(partial(transport.put, name, file.name), deadline)
                    retry(transport.flush, deadline)
                    if name not in {entry.name for entry in retry(transport.list, deadline)}:
                        found = "a file that was put is not listed"
                yield CheckResult(tried, found == "it is there", found)
                tried = "readable"
                is_same = _read(transport, name, deadline) == content
                yield CheckResult(tried, is_same, "it is what was put" if is_same else "it is not what was put")
            finally:
                with suppress(CrdtctlError):
                    transport.delete(name)
                    transport.flush()
            tried = "clean"
            is_gone = name not in {entry.name for entry in retry(transport.list, deadline)}
            yield CheckResult(tried, is_gone, "it can be deleted" if is_gone else f"{name} cannot be deleted")
            whole = "a put that is cut leaves nothing"
            half = "a put that is cut may leave half a file, which is never taken for a state"
            yield CheckResult("atomic", True, whole if transport.atomic else half)
    except CrdtctlError as error:
        yield CheckResult(tried, False, str(error))


def _read(transport: Transport, name: str, deadline: Deadline) -> bytes:
    pieces: list[bytes] = []

    def get() -> None:
        pieces.clear()
        transport.get(name, pieces.append)

    retry(get, deadline)
    return b"".join(pieces)
