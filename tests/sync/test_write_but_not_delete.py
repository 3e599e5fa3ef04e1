"""A remote that allows writing but not deleting: uploads count, and the refusal is reported once."""

from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused


@pytest.fixture
def append_only(shell: Shell) -> str:
    hub = shell.directory / "hub"
    hub.mkdir()
    program = shell.directory / "program"
    program.write_text(
        "#!/bin/sh\n"
        f'cd "{hub}" || exit 1\n'
        'case $1 in list) find . -maxdepth 1 -type f -printf "%s %T@.%i %f\\n" ;; get) cat "$2" ;;\n'
        'put) cat >"$2" ;; delete) [ -e ../may ] && rm -f "$2" || { echo no deletions >&2; exit 77; } ;; esac\n'
    )
    program.chmod(0o755)
    return f"exec:{program}"


def test_old_objects_that_cannot_be_deleted_are_reported_once(shell: Shell, replica: Replica, append_only: str) -> None:
    hub = Path(shell.directory, "hub")
    replica.increment("builds")
    shell.ok("sync", append_only)
    replica.increment("builds")
    said = assert_refused(shell("sync", append_only), 3)
    assert "no deletions" in said
    assert len(list(hub.iterdir())) == 2
    shell.ok("sync", append_only)
    replica.increment("builds")
    shell.ok("sync", append_only)
    shell.ok("sync", append_only)
    assert len(list(hub.iterdir())) == 3
    assert "old objects cannot be deleted at the remote" in shell.ok("status", "--format", "table")
