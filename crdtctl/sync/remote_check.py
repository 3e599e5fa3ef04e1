"""The check of a remote: it uploads, reads and deletes a temporary file, as a sync would."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from crdtctl.errors import CrdtctlError
from crdtctl.store import temporary
from crdtctl.sync.key_sources import load
from crdtctl.sync.keys import key_id_of
from crdtctl.sync.report import Remote
from crdtctl.sync.retry import RetryingTransport
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.sealed_transport import SealedTransport
from crdtctl.sync.transport import CHECK_PREFIX, KEY_VARIABLE, Deadline, ListedObject, Transport


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one step: ``reachable``, ``writable``, ``readable``, ``atomic`` or ``clean``."""

    what: str
    ok: bool
    found: str


def check_remote(remote: Remote, deadline: Deadline, state: str) -> Iterator[CheckResult]:
    """Check a remote in steps, and yield their results up to the first step that fails.

    The transport may keep files in the directory `state`. A remote that is only read is only listed, as is one where
    nothing may be deleted, because the temporary file would stay there. The first step at a private remote is
    ``private``.
    """
    name = f"{CHECK_PREFIX}{os.urandom(8).hex()}"
    step = "private"
    try:
        keys = load(remote.keys, deadline.remaining()) if remote.keys or KEY_VARIABLE in os.environ else []
        if keys:
            yield CheckResult(step, True, f"it is sealed with the key {keys[0].id}")
        step = "reachable"
        scratch = temporary.directory(state)
        with (
            connect(check(remote.url), deadline, state) as connection,
            tempfile.TemporaryDirectory(dir=scratch) as directory,
        ):
            transport: Transport = RetryingTransport(connection, deadline)
            if keys:
                transport = SealedTransport(transport, keys)
            listing = transport.list()
            is_there = not transport.is_absent or remote.only != "pull"
            number = f"{len(listing)} file{'' if len(listing) == 1 else 's'}"
            yield CheckResult(step, is_there, number if is_there else "it does not exist")
            if remote.only == "pull" or remote.keep_old:
                return
            step = "writable"
            path = f"{directory}/content"
            is_listed = True
            try:
                for content in (b"the first\n", b"its replacement\n"):
                    with open(path, "wb") as file:
                        file.write(content)
                    transport.put(name, path)
                    transport.flush()
                    is_listed &= name in _names(transport)
                yield CheckResult(step, is_listed, "it is listed" if is_listed else "an uploaded file is not listed")
                step = "readable"
                is_same = _read(transport, ListedObject(name, len(content)), directory) == content
                yield CheckResult(step, is_same, "it is unchanged" if is_same else "it differs from the uploaded file")
            finally:
                with suppress(CrdtctlError):
                    transport.delete(name)
                    transport.flush()
            step = "clean"
            is_gone = name not in _names(transport)
            yield CheckResult(step, is_gone, "it can be deleted" if is_gone else f"{name} cannot be deleted")
            whole = "an interrupted upload leaves nothing"
            half = "an interrupted upload may leave half a file, which is never read as a state"
            yield CheckResult("atomic", True, whole if connection.atomic else half)
    except CrdtctlError as error:
        yield CheckResult(step, False, str(error))


def former_objects(remote: Remote, deadline: Deadline, state: str) -> int:
    """Return the number of objects at a private remote that are sealed with another key than its first one."""
    current = load(remote.keys, deadline.remaining())[0].id
    with connect(check(remote.url), deadline, state) as connection:
        listing = RetryingTransport(connection, deadline).list()
    return sum(key_id_of(entry.name) not in ("", current) for entry in listing)


def _names(transport: Transport) -> set[str]:
    return {entry.name for entry in transport.list()}


def _read(transport: Transport, entry: ListedObject, directory: str) -> bytes:
    [(_, result)] = transport.fetch([entry], directory)
    if isinstance(result, CrdtctlError):
        raise result
    return result.read()
