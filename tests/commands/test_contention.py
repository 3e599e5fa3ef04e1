"""Many processes at once: every one succeeds, and the totals are exact."""

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from tests.conftest import Shell
from tests.support import every_type
from tests.support.handwritten import counted, document
from tests.support.sh import together

PROCESSES = 8


def loop(times: int, body: str) -> str:
    return f"i=0; while [ $i -lt {times} ]; do i=$((i + 1)); {body} || exit; done"


@pytest.mark.timeout(300)
def test_eight_loops_of_200_increments_at_once_are_exactly_1600(shell: Shell, replica: Replica) -> None:
    replica.create("builds", "pncounter")
    for ended in together(shell, [loop(200, "crdtctl increment builds")] * PROCESSES):
        assert (ended.status, ended.stdout, ended.stderr) == (0, "", "")
    assert shell.ok("show", "builds") == f"{PROCESSES * 200}\n"
    assert replica.clock() == {replica.id: PROCESSES * 200 + 1}


@pytest.mark.timeout(300)
def test_increments_decrements_batches_keys_and_merges_at_once_add_up(shell: Shell, replica: Replica) -> None:
    rounds = 3
    for number in range(PROCESSES):
        for i in range(1, rounds + 1):
            author = f"job-{number}-{i}"
            state = document(author, 1, counted("builds", author, 1, 1000))
            (shell.directory / f"{author}.json").write_bytes(state)
    (shell.directory / "batch").write_text("builds 10\nother\nbuilds\t10\n")
    scripts = [
        loop(
            rounds,
            "crdtctl increment builds 3 && crdtctl decrement builds && crdtctl increment --batch batch"
            f" && crdtctl merge job-{number}-$i.json && crdtctl increment builds 5 --once same"
            f" && crdtctl add seen all {number}-$i && crdtctl show builds > /dev/null",
        )
        for number in range(PROCESSES)
    ]
    for ended in together(shell, scripts):
        assert (ended.status, ended.stdout, ended.stderr) == (0, "", "")
    done = PROCESSES * rounds
    assert shell.ok("show", "--format", "tsv") == (
        f"builds\tpncounter\t{done * (3 - 1 + 20 + 1000) + 5}\nother\tpncounter\t{done}\nseen\tgset\t{done + 1}\n"
    )
    assert len(replica.clock()) == done + 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tag", TYPES)
def test_a_counter_of_every_type_reads_what_all_processes_did_to_it(tag: str, shell: Shell, replica: Replica) -> None:
    rounds, name = 5, every_type.named(tag)
    alone = Replica.init(shell.directory / "alone")
    for one in (replica, alone):
        every_type.begin(one)
    is_counting = every_type.counts(TYPES[tag])
    words = "increment '{}' 2" if is_counting else "add '{}' 1 {}.$i"
    scripts = [loop(rounds, f"crdtctl {words.format(name, number)} --type {tag}") for number in range(PROCESSES)]
    for ended in together(shell, scripts):
        assert (ended.status, ended.stdout, ended.stderr) == (0, "", "")
    if is_counting:
        alone.increment(name, 2 * rounds * PROCESSES, tag=tag)
    else:
        elements = (f"{number}.{i}" for number in range(PROCESSES) for i in range(1, rounds + 1))
        alone.add(name, *["1"] * rounds * PROCESSES, *elements, tag=tag)
    assert replica.value(name, tag) == alone.value(name, tag)


@pytest.mark.timeout(300)
def test_first_writes_at_once_make_one_replica_of_the_user(shell: Shell) -> None:
    ended = together(shell, ["crdtctl increment builds"] * PROCESSES)
    assert [one.status for one in ended] == [0] * PROCESSES
    assert sorted(one.stderr.count("\n") for one in ended) == [0] * (PROCESSES - 1) + [1]
    assert shell.ok("show", "builds") == f"{PROCESSES}\n"


def test_two_replicas_made_at_once_in_one_place_are_one_and_the_others_are_refused(shell: Shell) -> None:
    ended = together(shell, ["crdtctl init"] * PROCESSES)
    assert sorted(one.status for one in ended) == [0] + [73] * (PROCESSES - 1)
    (made,) = [one.stdout.strip() for one in ended if one.status == 0]
    assert shell.ok("status").startswith(made)
