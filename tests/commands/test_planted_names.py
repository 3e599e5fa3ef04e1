"""Names with control characters, put into a replica's own files with a right checksum, never reach an output."""

from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError
from tests.conftest import Shell
from tests.support.child import Measured
from tests.support.handwritten import document_with
from tests.torture.hostile import misdeeds

pytestmark = pytest.mark.harms_replicas

#: How a character is spelt in the file.
SPELT = ["\\u001b[31m", "\\u0000", "\\n", "\\r", "\\b", "\x7f", "\x9b31m", "\u202e", "\u2028", "\u200b", "\\ud800"]
WHERE = ["name", "id", "key", "element"]


def plant(replica: Replica, kind: str, spelt: str, where: str) -> None:
    """Write a file with a character in a counter's name, in an id, in an idempotency key or in an element."""
    author = replica.id if kind == "own" else "zoe"
    head: dict[str, object] = {"crdtctl": 1, "kind": kind, "replica": replica.id, "clock": {author: 1}}
    if kind == "known":
        head["heard"] = {}
    odd = dict.fromkeys(WHERE, "plain") | {"id": author} | {where: f"a{spelt}b"}
    once = f'"pncounter":{{"{odd["id"]}":[1,2,3,{{"{odd["key"]}":[1,0]}}]}}'
    members = f'"gset":{{"{odd["id"]}":[1,{{"{odd["element"]}":1}}]}}'
    Path(replica.path, f"{kind}.json").write_bytes(document_with(head, f'"{odd["name"]}":{{{members},{once}}}'))


@pytest.fixture
def replica(shell: Shell) -> Replica:
    return Replica.init(shell.directory / ".crdtctl", name="here")


@pytest.mark.parametrize("spelt", SPELT, ids=[ascii(spelt) for spelt in SPELT])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("kind", ["own", "known"])
def test_such_a_counter_is_not_read(replica: Replica, spelt: str, where: str, kind: str) -> None:
    plant(replica, kind, "x", where)
    assert len(list(replica.counters())) == 2
    plant(replica, kind, spelt, where)
    with pytest.raises(DataError):
        list(replica.counters())


@pytest.mark.parametrize("kind", ["own", "known"])
def test_such_a_counter_is_not_shown(shell: Shell, replica: Replica, kind: str) -> None:
    plant(replica, kind, SPELT[0], "name")
    for words in ("show", "show --state", "show --format json", "show --format csv", "check", "export"):
        ended = shell(*words.split())
        assert ended.status in (0, 1, 65)
        seen = Measured(ended.status, 0, 0, False, ended.stdout.encode(), ended.stderr.encode())
        assert words == "export" or list(misdeeds(seen)) == []  # an export escapes it, as the file did
        assert "\x1b" not in ended.stdout + ended.stderr
