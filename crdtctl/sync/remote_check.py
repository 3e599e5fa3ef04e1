"""What can be found out about a remote, by trying: with a file of its own, which is gone afterwards."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from crdtctl.errors import CrdtctlError
from crdtctl.store import temporary
from crdtctl.sync.retry import patiently
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import PROBE, Deadline, Transport


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was tried: ``reachable``, ``writable``, ``readable``, ``atomic`` or ``clean``."""

    what: str
    ok: bool
    found: str


def probe(url: str, deadline: Deadline, place: str) -> Iterator[Probe]:
    """Try what a sync needs, in order, up to the first thing that fails; `place` is what a transport may keep."""
    name = f"{PROBE}{os.urandom(8).hex()}"
    tried = "reachable"
    try:
        scratch = temporary.directory(place)
        with connect(check(url), deadline, place) as transport, tempfile.NamedTemporaryFile(dir=scratch) as file:
            listing = patiently(transport.list, deadline)
            yield Probe(tried, True, f"{len(listing)} file{'' if len(listing) == 1 else 's'}")
            tried = "writable"
            found = "it is there"
            try:
                for content in (b"the first\n", b"what replaced it\n"):
                    file.seek(0)
                    file.truncate()
                    file.write(content)
                    file.flush()
                    patiently(partial(transport.put, name, file.name), deadline)
                    patiently(transport.flush, deadline)
                    if name not in {entry.name for entry in patiently(transport.list, deadline)}:
                        found = "a file that was put is not listed"
                yield Probe(tried, found == "it is there", found)
                tried = "readable"
                is_same = _read(transport, name, deadline) == content
                yield Probe(tried, is_same, "it is what was put" if is_same else "it is not what was put")
            finally:
                with suppress(CrdtctlError):
                    transport.delete(name)
                    transport.flush()
            tried = "clean"
            is_gone = name not in {entry.name for entry in patiently(transport.list, deadline)}
            yield Probe(tried, is_gone, "it can be deleted" if is_gone else f"{name} cannot be deleted")
            whole = "a put that is cut leaves nothing"
            half = "a put that is cut may leave half a file, which is never taken for a state"
            yield Probe("atomic", True, whole if transport.atomic else half)
    except CrdtctlError as error:
        yield Probe(tried, False, str(error))


def _read(transport: Transport, name: str, deadline: Deadline) -> bytes:
    pieces: list[bytes] = []

    def get() -> None:
        pieces.clear()
        transport.get(name, pieces.append)

    patiently(get, deadline)
    return b"".join(pieces)
