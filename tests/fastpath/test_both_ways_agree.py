"""The fast path and the full command end alike, print the same and leave the same files."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from crdtctl.crdt.counter import Counter
from tests.support.both_paths import fast_first, full, outcome
from tests.support.plain_commands import (
    FAR,
    FORMS,
    HERE,
    HUB,
    ODD_FILES,
    ODDITIES,
    Case,
    PlantedFile,
    cases,
    known,
    own,
    plain_options,
    state,
)

#: A failing case is explained by itself; the phase that explains takes a minute.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)


@pytest.mark.parametrize("odd", ODDITIES)
@settings(phases=PHASES)
@given(data=st.data())
def test_both_ways_print_the_same_and_leave_the_same_files(odd: str, data: st.DataObject) -> None:
    assert_both_ways_agree(data.draw(cases(odd)))


# Each example starts two processes. tests/codec/test_plain.py compares odd texts without any, many times as quickly.
@pytest.mark.parametrize("odd", ODD_FILES)
@settings(phases=PHASES, max_examples=settings().max_examples // 5)
@given(data=st.data())
def test_both_ways_leave_the_same_of_odd_files(odd: str, data: st.DataObject) -> None:
    assert_both_ways_agree(data.draw(cases(odd)))


def assert_both_ways_agree(case: Case) -> None:
    first, second = outcome(case, fast_first), outcome(case, full)
    event(f"status {second.ended.status}, {'fast' if first.is_fast else 'declined'}")
    assert first == second


@settings(phases=PHASES)
@given(data=st.data())
def test_both_ways_show_the_same_in_each_format(data: st.DataObject) -> None:
    words = ["show", *data.draw(st.sampled_from([["builds"], ["builds"], []])), *data.draw(plain_options())]
    assert_both_ways_agree(replace(data.draw(cases("nothing")), arguments=words))


COMMANDS = [
    *("increment builds 2", "decrement builds", "show builds", "show"),
    *(
        "increment builds --once job-9",
        "add builds eve",
        "show builds --by-replica",
        "show builds --format json",
        "clock",
    ),
]
#: An entry that forgot a counter, with the counts of a replica up to its commit 7.
FORGETS: tuple[Any, ...] = (20, 12, 5, {}, {HERE: (12, 5), HUB: (7, 1)}, {}, {}, 0, {}, 0, 0, "", {HERE: 20, HUB: 7})
MINE: Counter = {"pncounter": {HERE: (20, 12, 5)}}
THEIRS: Counter = {"pncounter": {HUB: (3, 7, 1)}}


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["own.json", "known.json", "own.lock", "known.lock"])
def test_both_ways_agree_on_every_file_that_is_not_what_it_should_be(name: str, form: str, words: str) -> None:
    files = {
        "own.json": own({"builds": MINE}),
        "known.json": known({"builds": THEIRS}),
        "own.lock": b"",
        "known.lock": b"",
    }
    entries = {file: PlantedFile(data, form if file == name else "regular") for file, data in files.items()}
    case = Case(words.split(), entries)
    assert outcome(case, fast_first) == outcome(case, full)


#: What is between the totals of an entry and its settings of periods.
DATED: tuple[object, ...] = ({}, {}, {}, {}, 0, {})
#: What "builds" may be in this replica's own file, and in what it learned.
COUNTERS: dict[str, tuple[Counter, Counter]] = {
    "an author in both files": (MINE, {"pncounter": {HERE: (19, 11, 6), HUB: (3, 7, 1)}}),
    "an author in both files, alone": (MINE, {"pncounter": {HERE: (19, 11, 6)}}),
    "another author in the own file": ({"pncounter": {HERE: (20, 12, 5), HUB: (4, 8, 1)}}, THEIRS),
    "only another author in the own file": ({"pncounter": {HUB: (4, 8, 1)}}, THEIRS),
    "another type learned": (MINE, {"gcounter": {HUB: (3, 7)}}),
    "one more type learned": (MINE, {"gcounter": {HUB: (3, 7)}, **THEIRS}),
    "two types here": ({"gcounter": {HERE: (2, 7)}, **MINE}, THEIRS),
    "a set": ({"gset": {HERE: (2, {"ada": 2})}}, {"gset": {HUB: (3, {"ada": 1, "grace": 3})}}),
    "a set that another replica reset": (
        {"gset": {HERE: (2, {"ada": 2})}},
        {"gset": {HUB: (3, {"ada": 1, "eve": 3}, {HERE: 2})}},
    ),
    "a set of one replica in both files": ({"gset": {HERE: (2, {"ada": 2})}}, {"gset": {HERE: (1, {"eve": 1})}}),
    "an empty set": ({"gset": {HERE: (2, {})}}, {"gset": {HUB: (3, {"ada": 1})}}),
    "a set of odd elements": ({"gset": {HERE: (2, {'say "hi"': 2, "}],": 1})}}, {"gset": {HUB: (3, {"}]": 1})}}),
    "a set and a counter": ({"gset": {HERE: (2, {"ada": 2})}, **MINE}, {}),
    "a bounded counter here": ({"bcounter": {HERE: (2, 7, 0)}}, {"bcounter": {HUB: (3, 9, 1, ("0",), {HERE: 2})}}),
    "a bounded counter there": ({}, {"bcounter": {HUB: (3, 9, 1, ("0",), {HERE: 2})}}),
    "idempotency keys here": ({"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0)})}}, THEIRS),
    "idempotency keys there": (MINE, {"pncounter": {HUB: (3, 7, 1, {"job-1": (3, 0)})}}),
    "marks here": ({"pncounter": {HERE: (20, 12, 5, {}, {HERE: (12, 0), HUB: (7, 1)})}}, THEIRS),
    "marks there": (MINE, {"pncounter": {HUB: (3, 7, 1, {}, {HERE: (2, 5)})}}),
    "a counter that is forgotten here": ({"pncounter": {HERE: FORGETS}}, {}),
    "a counter that is forgotten here and counted there later": (
        {"pncounter": {HERE: FORGETS}},
        {"pncounter": {HUB: (9, 12, 1)}},
    ),
    "a counter that is forgotten here and was counted there before": (
        {"pncounter": {HERE: FORGETS}},
        {"pncounter": {HUB: (7, 7, 1)}},
    ),
    "a counter that is counted here after it was forgotten": (
        {"pncounter": {HERE: (21, 14, 5, *FORGETS[3:])}},
        {"pncounter": {HUB: (7, 7, 1)}},
    ),
    "a counter that is forgotten there": (
        MINE,
        {"pncounter": {HUB: (9, 7, 1, {}, {HERE: (12, 5)}, {}, {}, 0, {}, 0, 0, "", {HERE: 20, HUB: 9})}},
    ),
    "a counter that is only forgotten": ({}, {"gcounter": {HUB: (9, 7, {}, {HUB: (7,)}, *FORGETS[5:12], {HUB: 9})}}),
    "a set that is forgotten there": (
        {"gset": {HERE: (2, {"ada": 2})}},
        {"gset": {HUB: (3, {}, {HERE: 2, HUB: 3}, {HERE: 2, HUB: 3})}},
    ),
    "a set that is forgotten here": (
        {"gset": {HERE: (20, {}, {HERE: 2, HUB: 3}, {HERE: 20, HUB: 3})}},
        {"gset": {HUB: (4, {"eve": 4})}},
    ),
    "marks and idempotency keys here": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0), "job-2": (0, 2)}, {HUB: (7, 0)}, {"job-1": (3, 0)})}},
        THEIRS,
    ),
    "marks on idempotency keys alone here": ({"gcounter": {HERE: (20, 12, {}, {}, {"job-1": (3,)})}}, {}),
    "a mark beyond what JSON readers keep here": ({"pncounter": {HERE: (20, 12, 5, {}, {HUB: (2**53, 0)})}}, THEIRS),
    "an idempotency key with its commit here": ({"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)})}}, THEIRS),
    "an idempotency key with its commit and marks here": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)}, {HUB: (1, 0)}, {"job-1": (3, 0)})}},
        THEIRS,
    ),
    "idempotency keys that expired here": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)}, {}, {}, {HUB: 3})}},
        THEIRS,
    ),
    "idempotency keys that were dropped here": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)}, {}, {}, {}, 18)}},
        THEIRS,
    ),
    "an odd idempotency key here": ({"pncounter": {HERE: (20, 12, 5, {"job 1": (3, 0)})}}, THEIRS),
    "another author with idempotency keys in the own file": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0)}), HUB: (4, 8, 1, {"job-1": (3, 0)})}},
        THEIRS,
    ),
    "a number beyond what JSON readers keep here": ({"pncounter": {HERE: (20, 2**53, 5)}}, THEIRS),
    "a number beyond what JSON readers keep there": (MINE, {"pncounter": {FAR: (1, 1, 1), HUB: (3, 2**53, 1)}}),
    "a sum beyond what JSON readers keep": (MINE, {"pncounter": {FAR: (1, 2**53 - 1, 1), HUB: (3, 2**53 - 1, 1)}}),
    "an odd author": (MINE, {"pncounter": {'odd "id" ü': (3, 7, 1)}}),
    "periods here": ({"pncounter": {HERE: (20, 12, 5, *DATED, 1, 38_400, "m500:3 d20454:1,,2-5")}}, THEIRS),
    "settings of periods alone here": ({"pncounter": {HERE: (20, 12, 5, *DATED, 1)}}, THEIRS),
    "periods of days, kept for a time, here": ({"gcounter": {HERE: (20, 12, *DATED, 1, 960)}}, {}),
    "folded periods here": ({"gcounter": {HERE: (20, 12, *DATED, 1, 96, "d20454:1,,2")}}, {}),
    "periods there": (MINE, {"pncounter": {HUB: (3, 7, 1, *DATED, 1, 0, "d20454:3")}}),
    "periods of several there": (
        MINE,
        {"pncounter": {FAR: (3, 7, 1), HUB: (3, 7, 1, *DATED, 1, 0, "d20454:3"), 'odd "id"': (3, 7, 1, *DATED, 1)}},
    ),
    "periods of unknown length there": (MINE, {"pncounter": {HUB: (3, 7, 1, *DATED, 9, 2**60)}}),
    "periods that are kept longer there": (
        {"pncounter": {HERE: (20, 12, 5, *DATED, 1, 96, "d20454:1")}},
        {"pncounter": {HUB: (3, 7, 1, *DATED, 1, 960, "d20454:1-2")}},
    ),
    "periods and idempotency keys here": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)}, {}, {}, {}, 0, {}, 1, 0, "d20454:1")}},
        THEIRS,
    ),
    "idempotency keys here and periods there": (
        {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0, 19)})}},
        {"pncounter": {HUB: (3, 7, 1, *DATED, 1)}},
    ),
    "periods of another type there": (MINE, {"gcounter": {HUB: (3, 7, *DATED, 1)}}),
    "periods of another counter there": (MINE, {}),
    "nothing here": ({}, THEIRS),
    "nothing there": (MINE, {}),
}


RECORDS = {"2024-05-06": ("0" * 20, "1" * 20)}
#: What a replica's files may say of who has ended.
ENDED: dict[str, tuple[Counter, Counter]] = {
    "it is sealed": ({"membership": {HERE: (20, 1)}}, {}),
    "it is sealed and has absorbed": ({"membership": {HERE: (20, 1, 0, RECORDS)}}, {}),
    "it has absorbed": ({"membership": {HERE: (20, 0, 0, RECORDS)}}, {}),
    "it has a fence": ({"membership": {HERE: (20, 0, 20240506)}}, {}),
    "another one is sealed": ({}, {"membership": {HUB: (3, 1)}}),
    "another one stands here": ({"membership": {HUB: (3, 1)}}, {}),
    "nothing is said": ({"membership": {HERE: (20,)}}, {}),
}


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("what", ENDED)
def test_both_ways_agree_on_who_has_ended(what: str, words: str) -> None:
    mine, theirs = ENDED[what]
    entries = {
        "own.json": PlantedFile(own({"builds": MINE, **({"=": mine} if mine else {})})),
        "known.json": PlantedFile(known({"builds": THEIRS, **({"=": theirs} if theirs else {})})),
    }
    case = Case(words.split(), entries)
    assert outcome(case, fast_first) == outcome(case, full)


#: What a replica's files may say of attempts of jobs, of which only the latest counts.
JOBS: dict[str, tuple[Counter, Counter]] = {
    "it is an attempt": ({"attempts": {HERE: (1, {"tests": 1})}}, {}),
    "it is an attempt that does not count": (
        {"attempts": {HERE: (1, {"tests": 1})}},
        {"attempts": {HUB: (3, {"tests": 2})}},
    ),
    "another one is an attempt that does not count": (
        {},
        {"attempts": {FAR: (1, {"tests": 1}), HUB: (3, {"tests": 2})}},
    ),
    "an attempt was absorbed": ({}, {"attempts": {HUB: (3, {"tests": 2}), FAR: (1, {}, {"2024-05-06": {"tests": 1}})}}),
}


#: Renames in a replica's files, and the lines of other names, which may have keys, elements and settings of periods.
RENAMED: dict[str, tuple[Counter, Counter]] = {
    "it renamed the counter": ({"renames": {HERE: (4, {"builds": {"runs": 1}})}}, {}),
    "it renamed another one to it": ({"renames": {HERE: (4, {"runs": {"builds": 1}})}}, {}),
    "another one renamed it": ({}, {"renames": {HUB: (3, {"builds": {"runs": 1}})}}),
    "both renamed it": (
        {"renames": {HERE: (4, {"builds": {"runs": 1}})}},
        {"renames": {HUB: (3, {"builds": {"x": 1}})}},
    ),
}
RUNS: dict[str, Counter] = {
    "plain": {"pncounter": {HERE: (20, 12, 5)}},
    "with a key": {"pncounter": {HERE: (20, 12, 5, {"job-9": (2, 0, 9)})}},
    "with periods": {"pncounter": {HERE: (20, 12, 5, {}, {}, {}, {}, 0, {}, 1)}},
    "a set": {"gset": {HERE: (20, {"eve": 3})}},
}


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("what", RENAMED)
def test_both_ways_agree_on_renames(what: str, runs: str, words: str) -> None:
    mine, theirs = RENAMED[what]
    builds = MINE if runs != "a set" else {"gset": {HERE: (20, {"ada": 3})}}
    lines: dict[str, Counter] = {"builds": builds, "runs": RUNS[runs], **({"=renames": mine} if mine else {})}
    entries = {
        "own.json": PlantedFile(own(lines)),
        "known.json": PlantedFile(known({"builds": THEIRS, **({"=renames": theirs} if theirs else {})})),
    }
    case = Case(words.split(), entries)
    assert outcome(case, fast_first) == outcome(case, full)


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("ended", [{}, {"membership": {HUB: (3, 1)}}], ids=["nobody ended", "one ended"])
@pytest.mark.parametrize("what", JOBS)
def test_both_ways_agree_on_attempts_of_jobs(what: str, ended: Counter, words: str) -> None:
    mine, theirs = JOBS[what]
    said = {**({"=": ended} if ended else {}), **({"=jobs": theirs} if theirs else {})}
    entries = {
        "own.json": PlantedFile(own({"builds": MINE, **({"=jobs": mine} if mine else {})})),
        "known.json": PlantedFile(known({"builds": THEIRS, **said})),
    }
    case = Case(words.split(), entries)
    assert outcome(case, fast_first) == outcome(case, full)


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("what", COUNTERS)
def test_both_ways_agree_on_every_counter_that_is_not_plain(what: str, words: str) -> None:
    mine, theirs = COUNTERS[what]
    entries = {
        "own.json": PlantedFile(own({"builds": mine} if mine else {})),
        "known.json": PlantedFile(known({"builds": theirs} if theirs else {})),
    }
    case = Case(words.split(), entries)
    assert outcome(case, fast_first) == outcome(case, full)


#: Counters with periods that the fast path counts, in this replica's own file and in another one's.
FAST_WITH_PERIODS = (
    *("periods here", "settings of periods alone here", "folded periods here", "periods there"),
    "periods that are kept longer there",
)


@pytest.mark.parametrize("what", FAST_WITH_PERIODS)
def test_a_counter_with_periods_is_counted_by_the_fast_path(what: str) -> None:
    mine, theirs = COUNTERS[what]
    entries = {
        "own.json": PlantedFile(own({"builds": mine})),
        "known.json": PlantedFile(known({"builds": theirs} if theirs else {})),
    }
    found = outcome(Case(["increment", "builds"], entries), fast_first)
    assert found.is_fast
    assert found.ended.status == 0


FINER: Counter = {"pncounter": {HUB: (3, 7, 1, *DATED, 2)}}
OWN_FINER: Counter = {"pncounter": {HERE: (3, 7, 1, *DATED, 2, 960)}}
#: The counter without labels in this replica's own file and in another one's, and its series in the other one.
NAMES: dict[str, tuple[Counter, Counter, Counter]] = {
    "periods of the name here": (OWN_FINER, {}, {}),
    "periods of the name there": ({}, FINER, {}),
    "periods of the name here and there": (OWN_FINER, FINER, THEIRS),
    "periods of the series there": (MINE, THEIRS, FINER),
    "periods of another type here": ({"gcounter": {HERE: (3, 7, *DATED, 2)}}, {}, {}),
    "periods of another type there": (MINE, {"gcounter": {HUB: (3, 7, *DATED, 2)}}, {}),
    "a set of the name here": ({"gset": {HERE: (2, {"ada": 2})}}, FINER, {}),
    "keys of the name here": ({"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0)})}}, FINER, {}),
    "the name is only there": ({}, THEIRS, FINER),
}


@pytest.mark.parametrize("mine", [MINE, {"pncounter": {HERE: (20, 12, 5, *DATED, 1)}}], ids=["plain", "dated"])
@pytest.mark.parametrize("words", ["increment builds -l os=mac", "decrement builds -l os=mac --once job-9"])
@pytest.mark.parametrize("what", NAMES)
def test_both_ways_agree_on_a_series_whose_name_has_periods(what: str, words: str, mine: Counter) -> None:
    bare, learned, series = NAMES[what]
    files = [{"builds": bare, 'builds{os="mac"}': mine}, {"builds": learned, 'builds{os="mac"}': series}]
    here, there = [{name: counter for name, counter in file.items() if counter} for file in files]
    case = Case(words.split(), {"own.json": PlantedFile(own(here)), "known.json": PlantedFile(known(there))})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    if "--once" not in words:
        assert first.is_fast == (what not in ("a set of the name here", "keys of the name here"))


@pytest.mark.parametrize("seq", [1, 20, 999])
def test_both_ways_agree_on_the_clock_if_the_known_file_has_commits_of_this_replica(seq: int) -> None:
    mine: dict[str, Counter] = {"builds": {"pncounter": {HERE: (20, 5, 7)}}}
    learned = state("known", HERE, {HERE: seq, HUB: 7}, {"builds": {"pncounter": {HUB: (7, 1, 0)}}})
    case = Case(["clock"], {"own.json": PlantedFile(own(mine)), "known.json": PlantedFile(learned)})
    assert outcome(case, fast_first) == outcome(case, full)
