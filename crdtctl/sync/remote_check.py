"""The check of a remote: it uploads, reads and deletes a temporary file, as a sync would."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from crdtctl.errors import CrdtctlError
from crdtctl.store import temporary
from crdtctl.sync.report import Remote
from crdtctl.sync.retry import RetryingTransport
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import CHECK_PREFIX, Deadline, ListedObject, Transport


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one step: ``reachable``, ``writable``, ``readable``, ``atomic`` or ``clean``."""

    what: str
    ok: bool
    found: str


def check_remote(remote: Remote, deadline: Deadline, state: str) -> Iterator[CheckResult]:
    """Check a remote in steps, and yield their results up to the first step that fails.

    The transport may keep files in the directory `state`. A remote that is only read is only listed, as is one where
    nothing may be deleted, because the temporary file would stay there.
    """
    name = f"{CHECK_PREFIX}{os.urandom(8).hex()}"
    step = "reachable"
    try:
        scratch = temporary.directory(state)
        with (
            connect(check(remote.url), deadline, state) as connection,
            tempfile.TemporaryDirectory(dir=scratch) as directory,
        ):
            transport = RetryingTransport(connection, deadline)
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
                    connection.delete(name)
                    connection.flush()
            step = "clean"
            is_gone = name not in _names(transport)
            yield CheckResult(step, is_gone, "it can be deleted" if is_gone else f"{name} cannot be deleted")
            whole = "an interrupted upload leaves nothing"
            half = "an interrupted upload may leave half a file, which is never read as a state"
            yield CheckResult("atomic", True, whole if connection.atomic else half)
    except CrdtctlError as error:
        yield CheckResult(step, False, str(error))


def _names(transport: Transport) -> set[str]:
    return {entry.name for entry in transport.list()}


def _read(transport: Transport, entry: ListedObject, directory: str) -> bytes:
    [(_, result)] = transport.fetch([entry], directory)
    if isinstance(result, CrdtctlError):
        raise result
    return result.read()
