"""Handoff counters on the command line: ``init --tier``, ``merge``, ``status`` and ``exchange``."""

import json
import shutil
from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal


@pytest.fixture
def hub(shell: Shell) -> Replica:
    hub = Replica.init(shell.directory / "hub", name="hub")
    hub.create("hits", "handoff")
    return hub


@pytest.fixture
def job(shell: Shell) -> Replica:
    return Replica.init(shell.directory / "job", name="job", tier=1)


def test_init_makes_a_client_of_a_tier(shell: Shell) -> None:
    made = shell.ok("--replica", "client", "init", "--name", "job", "--tier", "1").strip()
    assert (Replica(shell.directory / "client").id, Replica(shell.directory / "client").tier) == (made, 1)
    assert '"tier":1' in (shell.directory / "client" / "own.json").read_text()
    assert_refused(shell("init", "--tier", "100"), 2)
    assert_refused(shell("init", "--tier", "-1"), 2)


def test_off_a_terminal_a_hand_off_is_silent(shell: Shell, hub: Replica, job: Replica) -> None:
    assert shell.ok("--replica", "job", "exchange", "hub") == ""
    assert shell.ok("--replica", "job", "increment", "hits", "9") == ""
    for to, of in ((hub, job), (job, hub), (hub, job), (job, hub)):
        assert shell.ok("--replica", to.path, "merge", "-", stdin=of.export_bytes()) == ""
    assert shell.ok("--replica", "hub", "show", "hits") == "9\n"


def test_on_a_terminal_merge_says_which_of_four_steps_is_done(shell: Shell, hub: Replica, job: Replica) -> None:
    job.exchange(hub)
    job.increment("hits", 9)
    said = []
    for number, (to, of) in enumerate([(hub, job), (job, hub), (hub, job), (job, hub), (job, hub)]):
        of.export_to(shell.directory / f"{number}.json")
        said.append(on_terminal(shell, "--replica", to.path, "merge", f"{number}.json").stdout)
    assert said[0] == f"hits: hand-off 1 of 4 with {job.id}\n"
    assert said[1].endswith(f"hits: hand-off 2 of 4 with {hub.id}\n")
    assert said[2] == f"1 counter changed; 0 replicas had news\nhits 0 → 9\nhits: hand-off 3 of 4 with {job.id}\n"
    assert said[3].endswith(f"hits: hand-off 4 of 4 with {hub.id}\n")
    assert said[4] == "nothing new\n"


def test_merge_as_json_says_which_step_is_done(shell: Shell, hub: Replica, job: Replica) -> None:
    job.exchange(hub)
    job.increment("hits", 9)
    found = json.loads(shell.ok("--replica", "hub", "merge", "-", "-f", "json", stdin=job.export_bytes()))
    assert found["handoffs"] == [{"name": "hits", "step": 1, "replica": job.id}]


def test_status_shows_what_is_open_and_whether_the_replica_may_go(shell: Shell, hub: Replica, job: Replica) -> None:
    job.exchange(hub)
    job.increment("hits", 9)
    hub.merge_bytes(job.export_bytes())
    job.merge_bytes(hub.export_bytes())
    of_job = json.loads(shell.ok("--replica", "job", "status", "-f", "json"))
    assert (of_job["tier"], of_job["discardable"], len(of_job["keep"])) == (1, False, 2)
    assert of_job["handoffs"] == [
        {
            "name": "hits",
            "replica": job.id,
            "step": 2,
            "up": 0,
            "down": 0,
            "slots": [],
            "tokens": [{"from": job.id, "to": hub.id, "up": 9, "down": 0}],
        }
    ]
    of_hub = json.loads(shell.ok("--replica", "hub", "status", "-f", "json"))
    assert (of_hub["tier"], of_hub["discardable"], of_hub["handoffs"][0]["slots"]) == (0, False, [job.id])
    table = shell.ok("--replica", "job", "status", "-f", "table")
    assert f"hand-off   hits: hand-off 2 of 4: token over +9 for {hub.id}\n" in table
    assert "throw away no: a token of 'hits'" in table
    assert f"hits: hand-off 1 of 4: slot for {job.id}\n" in shell.ok("--replica", "hub", "status", "-f", "table")
    shell.ok("--replica", "job", "exchange", "hub")
    assert "throw away yes" in shell.ok("--replica", "job", "status", "-f", "table")
    assert json.loads(shell.ok("--replica", "job", "status", "-f", "json"))["discardable"] is True


def test_a_client_that_knows_of_no_permanent_replica_is_warned(shell: Shell, hub: Replica, job: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other", tier=1)
    other.increment("hits", tag="handoff")
    for words in (["increment", "hits", "-t", "handoff"], ["merge", "-"], ["exchange", "other"], ["status"]):
        ended = shell("--replica", "job", *words, stdin=other.export_bytes())
        assert ended.status == 0
        assert ended.stderr == (
            "crdtctl: 'hits' cannot be handed over yet: no replica of tier 0 is known; merge the state of one first\n"
        )
    job.exchange(hub)
    for words in (["increment", "hits"], ["merge", "-"], ["status"]):
        assert shell("--replica", "job", *words, stdin=other.export_bytes()).stderr == ""


def test_exchange_says_on_a_terminal_what_changed_on_both_sides(shell: Shell, hub: Replica, job: Replica) -> None:
    job.exchange(hub)
    job.increment("hits", 9)
    hub.increment("builds", 2)
    assert on_terminal(shell, "--replica", "job", "exchange", "hub").stdout == (
        f"here: builds → 2\nhere: hits: hand-off 4 of 4 with {hub.id}\n"
        f"there: hits 0 → 9\nthere: hits: hand-off 3 of 4 with {job.id}\n"
    )
    assert on_terminal(shell, "--replica", "job", "exchange", "hub").stdout == "nothing new\n"


def test_exchange_needs_another_replica(shell: Shell, hub: Replica) -> None:
    assert_refused(shell("--replica", "hub", "exchange", "nowhere"), 66)
    assert_refused(shell("--replica", "hub", "exchange", "hub"), 2)


REFUSED: dict[str, Callable[[Shell], object]] = {
    "idempotency keys": lambda shell: shell("--replica", "hub", "increment", "hits", "--once", "job-1"),
    "no elements": lambda shell: shell("--replica", "hub", "add", "hits", "ada"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_handoff_counter_cannot_do_is_refused_with_the_reason(shell: Shell, hub: Replica, why: str) -> None:
    ended = REFUSED[why](shell)
    assert why in assert_refused(ended, 4)  # type: ignore[arg-type]


@pytest.mark.harms_replicas
def test_status_says_what_a_former_id_did_not_hand_over(shell: Shell, hub: Replica, job: Replica) -> None:
    job.exchange(hub)
    job.increment("hits", 9)
    shutil.copytree(job.path, shell.directory / "copy")
    assert "continues as" in shell("--replica", "copy", "increment", "hits").stderr
    table = shell.ok("--replica", "copy", "status", "-f", "table")
    assert f"former id  hits: +9 not handed over as {job.id}." in table


def test_a_hand_off_to_one_that_is_gone_is_taken_back_as_status_says(shell: Shell) -> None:
    shell.ok("--replica", "hub", "init", "--name", "hub")
    shell.ok("--replica", "job", "init", "--name", "job", "--tier", "1")
    shell.ok("--replica", "hub", "create", "hits", "--type", "handoff")
    for source, target in (("hub", "job"), ("job", "hub"), ("hub", "job")):
        if target == "hub":
            shell.ok("--replica", "job", "increment", "hits", "9")
        state = shell.ok("--replica", source, "export")
        shell.ok("--replica", target, "merge", "-", stdin=state)
    (line,) = (
        line
        for line in shell.ok("--replica", "job", "status", "-f", "table").splitlines()
        if "crdtctl transfer" in line
    )
    program, *words = line.split()
    assert program == "crdtctl"
    shell.ok("--replica", "job", *words)
    status = json.loads(shell.ok("--replica", "job", "status", "-f", "json"))
    assert [(one["up"], one["tokens"]) for one in status["handoffs"]] == [(9, [])]
    ended = shell("--replica", "job", *words)
    assert (ended.status, "nothing of it is on its way" in ended.stderr) == (4, True)
