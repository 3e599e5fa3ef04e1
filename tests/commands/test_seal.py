"""``crdtctl seal``: a replica that has ended."""

import json

from tests.conftest import Shell

REFUSED = "crdtctl: this replica is sealed: it has ended; go on with another one, see 'crdtctl init'\n"


def test_a_sealed_replica_refuses_every_write(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("increment", "builds")
    shell.ok("--replica", "other", "init")
    shell.ok("--replica", "other", "increment", "x")
    shell.ok("--replica", "other", "export", "-o", "other.json")
    assert shell.ok("seal") == ""
    for words in (
        *("increment builds", "increment builds=2 x=1", "decrement builds", "add names a", "create y --type gcounter"),
        *("merge other.json", "merge --dry-run other.json", "absorb other.json", "increment builds --once k"),
    ):
        ended = shell(*words.split())
        assert (ended.status, ended.stdout, ended.stderr) == (4, "", REFUSED), words


def test_a_sealed_replica_is_read_and_exported_and_sealed_again_as_if_nothing_were(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("increment", "builds", "3")
    shell.ok("seal")
    shell.ok("seal")
    assert shell.ok("show", "builds") == "3\n"
    assert shell.ok("show") == "builds\tpncounter\t3\n"
    [author] = json.loads(shell.ok("export"))["counters"]["="]["membership"].items()
    assert author[1] == [2, 1]
    shell.ok("check")


def test_a_replica_that_counted_nothing_can_be_sealed(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("seal")
    shell.ok("export", "-o", "empty.json")
    shell.ok("--replica", "hub", "init")
    shell.ok("--replica", "hub", "absorb", "empty.json")
    assert shell.ok("--replica", "hub", "show") == ""
    assert len(shell.ok("--replica", "hub", "status").splitlines()) == 1
