"""The commands that are given most often never reach the full program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.codec.lines import encode_line
from crdtctl.crdt.counter import Counter
from crdtctl.store.durable import VERIFY_BELOW
from tests.conftest import Result
from tests.support.both_paths import Outcome, fast_first, full, outcome
from tests.support.plain_commands import FAR, HERE, HUB, Case, PlantedFile, known, own, plain_arguments, small_numbers

#: Elements that make a file too large to be summed up for one line.
MANY = {f"{number:04000}": 1 for number in range(VERIFY_BELOW // 4000)}
OF_HUB: dict[str, dict[str, Counter]] = {
    "pncounter": {"builds": {"pncounter": {FAR: (2, 5, 1), HUB: (3, 7, 0)}}},
    "gcounter": {"builds": {"gcounter": {FAR: (2, 4), HUB: (3, 7)}}},
}


def plain(
    tag: str, totals: tuple[int, ...], *, learned: dict[str, Counter] | None, arguments: list[str], mine: bool = True
) -> Case:
    """Return a case in which this replica has counted "builds" itself."""
    counters: dict[str, Counter] = {"builds": {tag: {HERE: (20, *totals)}}} if mine else {}
    entries = {"own.json": PlantedFile(own(counters)), "own.lock": PlantedFile(), "known.lock": PlantedFile()}
    if learned is not None:
        entries["known.json"] = PlantedFile(known(learned))
    return Case(arguments, entries)


@pytest.mark.parametrize("learned", ["nothing", "something else", "the counter", "more than is summed up"])
@pytest.mark.parametrize(("tag", "totals"), [("pncounter", (12, 5)), ("gcounter", (7,)), ("pncounter", (0, 0))])
@pytest.mark.parametrize(
    "words", ["increment builds", "inc builds 41", "decrement builds", "dec builds 41", "show builds"]
)
def test_a_plain_command_on_a_counter_of_this_replica_is_fast(
    learned: str, tag: str, totals: tuple[int, ...], words: str
) -> None:
    choice: dict[str, dict[str, Counter] | None] = {
        "nothing": None,
        "something else": {"visitors": {"gset": {HUB: (1, {"ada": 1})}}},
        "the counter": OF_HUB[tag],
        "more than is summed up": {**OF_HUB[tag], "visitors": {"gset": {HUB: (1, MANY)}}},
    }
    case = plain(tag, totals, learned=choice[learned], arguments=words.split())
    first = outcome(case, fast_first)
    size = len(case.entries["known.json"].data) if "known.json" in case.entries else 0
    assert (size > VERIFY_BELOW) == (learned == "more than is summed up")
    assert first == outcome(case, full)
    assert first.is_fast == (tag == "pncounter" or words[:3] != "dec")


@pytest.mark.parametrize(
    "maps",
    [
        ({"job-1": (3, 0)},),
        ({}, {HERE: (12, 0), HUB: (7, 1)}),
        ({"job-1": (3, 0)}, {HUB: (7, 1)}, {"job-1": (3, 0)}),
        ({}, {}, {"job-1": (3, 0)}),
    ],
)
@pytest.mark.parametrize("words", ["increment builds", "decrement builds 41", "show builds"])
def test_counting_with_once_keys_or_after_a_reset_is_fast_and_showing_with_once_keys(
    maps: tuple[dict[str, tuple[int, ...]], ...], words: str
) -> None:
    counter: Counter = {"pncounter": {HERE: (20, 12, 5, *maps)}}
    entries = {"own.json": PlantedFile(own({"builds": counter})), "known.json": PlantedFile(known(OF_HUB["pncounter"]))}
    case = Case(words.split(), {**entries, "own.lock": PlantedFile(), "known.lock": PlantedFile()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert first.ended.status == 0
    assert first.is_fast == (words != "show builds" or len(maps) == 1)


def test_showing_what_others_reset_is_left_to_the_full_command() -> None:
    theirs: dict[str, Counter] = {"builds": {"pncounter": {HUB: (3, 7, 0, {}, {HERE: (12, 0)})}}}
    case = plain("pncounter", (12, 5), learned=theirs, arguments=["show", "builds"])
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert (first.ended, first.is_fast) == (Result(0, "2\n", ""), False)


def test_a_counter_that_only_others_counted_is_shown_by_the_fast_path() -> None:
    case = plain("pncounter", (), learned=OF_HUB["pncounter"], arguments=["show", "builds"], mine=False)
    first = outcome(case, fast_first)
    assert first.is_fast
    assert first.ended == Result(0, "11\n", "")


@given(plain_arguments(), small_numbers, small_numbers)
def test_a_fast_command_does_what_it_says(arguments: list[str], up: int, down: int) -> None:
    case = plain("pncounter", (up, down), learned=OF_HUB["pncounter"], arguments=arguments)
    done = outcome(case, fast_first)
    assert done.is_fast
    assert done == outcome(case, full)
    if arguments[0] == "show" and len(arguments) > 2:
        assert done.ended.status == 0
        assert str(up - down + 11 * ("--by-replica" not in arguments)) in done.ended.stdout
    elif arguments[0] == "show":
        assert done.ended == Result(0, f"{up - down + 11}\n", "")
    else:
        amount = int(arguments[2]) if len(arguments) == 3 else 1
        totals = (up + amount, down) if arguments[0].startswith("inc") else (up, down + amount)
        assert done.ended == Result(0, "", "")
        line = encode_line("builds", {"pncounter": {HERE: (21, *totals)}})
        assert line.replace(HERE.encode(), b"here-GIVEN") in done.files[".crdtctl/own.json"][2]


@pytest.mark.parametrize("amount", ["0", "007", "-1", "+1", "1.0", "1_0", "١", "9007199254740992", "1" * 17])
def test_an_amount_that_is_not_plain_is_left_to_the_full_command(amount: str) -> None:
    case = plain("pncounter", (12, 5), learned=None, arguments=["increment", "builds", amount])
    assert not outcome(case, fast_first).is_fast


@pytest.mark.parametrize("over", [0, 1])
def test_totals_beyond_what_json_readers_keep_are_left_to_the_full_command(over: int) -> None:
    case = plain("pncounter", (2**53 - 2, 0), learned=None, arguments=["increment", "builds", str(1 + over)])
    done = outcome(case, fast_first)
    total = '"9007199254740992"' if over else "9007199254740991"
    assert done.is_fast == (over == 0)
    assert f"[21,{total},0]".encode() in done.files[".crdtctl/own.json"][2]


@given(st.sampled_from(["CRDTCTL_TYPE", "CRDTCTL_FORMAT", "CRDTCTL_INCREMENT_ONCE", "_CRDTCTL_COMPLETE"]))
def test_any_setting_in_the_environment_but_the_replica_is_left_to_the_full_command(variable: str) -> None:
    case = plain("pncounter", (12, 5), learned=None, arguments=["show", "builds"])
    assert not outcome(Case(case.arguments, case.entries, {variable: "1"}), fast_first).is_fast
    assert outcome(Case(case.arguments, case.entries, {"CRDTCTL_REPLICA": ".crdtctl"}), fast_first).is_fast


@pytest.mark.parametrize(("size", "status"), [(VERIFY_BELOW, 65), (VERIFY_BELOW + 1, 0)])
def test_both_ways_sum_up_files_of_the_same_sizes(size: int, status: int) -> None:
    elements = dict(list(MANY.items())[: VERIFY_BELOW // 4100])
    short = known({**OF_HUB["pncounter"], "visitors": {"gset": {HUB: (1, elements)}}})
    filling = {f"~{number}~".ljust(4000, "~"): 1 for number in range(10, 10 + (size - len(short)) // 4005 - 1)}
    rest = size - len(short) - 4005 * len(filling) - 5
    data = known({**OF_HUB["pncounter"], "visitors": {"gset": {HUB: (1, {**elements, **filling, "~" * rest: 1})}}})
    assert len(data) == size
    damaged = data.replace(b"~10~", b"~11~", 1)
    case = plain("pncounter", (12, 5), learned=None, arguments=["show", "builds"])
    case = Case(case.arguments, {**case.entries, "known.json": PlantedFile(damaged)})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert (first.ended.status, first.is_fast) == (status, status == 0)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("mine", "theirs", "shown"),
    [
        ('builds{os="linux"}', "builds:x", 11 + 7 + 1),
        ("builds:x", 'builds{a="b",os="linux"}', 11 + 7 + 2),
        ('builds{os="linux"}', 'builds{os="linux"}', 11 + 7 + 3),
        ('builds.x{os="linux"}', 'build{os="linux"}', None),
    ],
)
def test_total_of_a_name_with_series_is_left_to_the_full_command(
    large: bool, mine: str, theirs: str, shown: int | None
) -> None:
    own_counters: dict[str, Counter] = {
        "builds": {"pncounter": {HERE: (20, 12, 5)}},
        mine: {"pncounter": {HERE: (20, 1, 0)}},
    }
    learned: dict[str, Counter] = {**OF_HUB["pncounter"], theirs: {"pncounter": {HUB: (3, 2, 0)}}}
    if large:
        learned["visitors"] = {"gset": {HUB: (1, MANY)}}
    entries = {"own.json": PlantedFile(own(own_counters)), "known.json": PlantedFile(known(learned))}
    case = Case(["show", "builds"], {**entries, "own.lock": PlantedFile(), "known.lock": PlantedFile()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert first.ended == Result(0, f"{shown or 11 + 7}\n", "")
    assert first.is_fast == (shown is None)


LABELLED: dict[str, Counter] = {
    'builds{os="linux"}': {"pncounter": {HERE: (20, 12, 5)}},
    'builds{os="linux",py="3.12"}': {"pncounter": {HERE: (18, 1, 0)}},
    'builds{os="mac os, {=}"}': {"gcounter": {HERE: (19, 7)}},
}


@pytest.mark.parametrize("verb", ["increment", "inc", "decrement"])
@pytest.mark.parametrize(
    "words",
    [
        ['builds{os="linux"}'],
        ['builds{os="linux"}', "41", "--replica", ".crdtctl"],
        ['builds{py="3.12",os="linux"}', "2"],
        ["builds", "--label", "os=linux"],
        ["-l", "py=3.12", "--label=os=linux", "builds", "41"],
        ["-los=linux", "--replica=.crdtctl", "builds"],
        ['builds{os="bsd"}', "-l", "os=linux"],
        ['builds{os="mac os, {=}"}', "3"],
    ],
    ids=" ".join,
)
def test_counting_in_a_series_of_this_replica_is_fast(verb: str, words: list[str]) -> None:
    entries = {"own.json": PlantedFile(own(LABELLED)), "own.lock": PlantedFile(), "known.lock": PlantedFile()}
    words = [verb, *words] if words[0][:1] != "-" else [verb, words[0], *words[1:]]
    first = outcome(Case(words, entries), fast_first)
    assert first == outcome(Case(words, entries), full)
    assert (first.ended.status, first.is_fast) == (
        (4, False) if verb == "decrement" and "mac" in words[1] else (0, True)
    )


@pytest.mark.parametrize("where", ["own.json", "known.json"])
@pytest.mark.parametrize("has_bare", [True, False])
@pytest.mark.parametrize(
    ("others", "is_fast"),
    [
        (['builds{os="linux"}'], False),
        (["builds.x", 'builds{os="linux"}'], False),
        (["builds{"], False),
        (["builds.x", "builds}"], True),
        (['buildsx{os="linux"}', 'build{os="linux"}'], True),
        (['builds"', "builds\\"], True),
        ([], True),
    ],
)
def test_showing_a_name_is_fast_unless_a_series_of_it_follows(
    where: str, has_bare: bool, others: list[str], is_fast: bool
) -> None:
    author = HERE if where == "own.json" else HUB
    counted: Counter = {"pncounter": {author: (3, 4, 1)}}
    found = dict.fromkeys([*(["builds"] if has_bare else []), *others], counted)
    files = {"own.json": own({"builds": {"pncounter": {HERE: (2, 9, 1)}}}), "known.json": known({})}
    files[where] = own({**found}) if where == "own.json" else known({**found})
    case = Case(["show", "builds"], {name: PlantedFile(data) for name, data in files.items()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert first.is_fast == (is_fast and (has_bare or where == "known.json"))


# All counters -------------------------------------------------------------------------------------


def listed(mine: dict[str, Counter], theirs: dict[str, Counter] | None, *words: str, **environment: str) -> Outcome:
    """Return the outcome of ``show`` without a name, which is the same both ways."""
    entries = {"own.json": PlantedFile(own(mine)), "own.lock": PlantedFile(), "known.lock": PlantedFile()}
    if theirs is not None:
        entries["known.json"] = PlantedFile(known(theirs))
    case = Case(["show", *words], entries, environment)
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    return first


def test_showing_all_counters_is_fast() -> None:
    mine: dict[str, Counter] = {
        "a": {"pncounter": {HERE: (1, 5, 7)}},
        "b": {"pncounter": {HERE: (2, 1, 0)}},
        "c": {"gcounter": {HERE: (3, 4)}},
        "d": {"pncounter": {HERE: (4, 2**53 - 1, 0)}},
    }
    theirs: dict[str, Counter] = {
        "a": {"pncounter": {FAR: (2, 5, 1), HUB: (3, 7, 0)}},
        "bb": {"gcounter": {FAR: (2, 1), HUB: (3, 7)}},
    }
    done = listed(mine, theirs)
    values = {"a": ("pncounter", 9), "b": ("pncounter", 1), "bb": ("gcounter", 8), "c": ("gcounter", 4)}
    text = "".join(f"{name}\t{tag}\t{value}\n" for name, (tag, value) in values.items())
    assert done.ended == Result(0, f"{text}d\tpncounter\t{2**53 - 1}\n", "")
    assert done.is_fast
    assert listed(mine, None).is_fast


def test_showing_no_counter_is_fast_and_prints_nothing() -> None:
    done = listed({}, None)
    assert (done.ended, done.is_fast) == (Result(0, "", ""), True)


def test_showing_all_counters_decodes_those_that_are_not_plain() -> None:
    odd: dict[str, Counter] = {
        "a": {"pncounter": {HERE: (2, 5, 7)}},
        "big": {"pncounter": {HERE: (2, 2**53, 1)}},
        "free slots": {"pncounter": {HERE: (2, 5, 0)}},
        'http{method="GET"}': {"pncounter": {HERE: (2, 6, 0)}},
        "once": {"pncounter": {HERE: (2, 5, 7, {"job": (3, 0)})}},
        "two": {"gcounter": {HERE: (2, 7)}, "pncounter": {HERE: (2, 5, 7)}},
        "visitors": {"gset": {HERE: (2, {"ada": 2})}},
        "ünï": {"pncounter": {HERE: (2, 8, 0)}},
    }
    done = listed(odd, {"visitors": {"gset": {HUB: (3, {"ada": 1, "grace": 3})}}, "two": {"gcounter": {HUB: (3, 1)}}})
    values = [-2, 2**53 - 1, 5, 6, 1, 8, -2, 2, 8]
    assert [int(line.rpartition("\t")[2]) for line in done.ended.stdout.splitlines()] == values
    assert done.is_fast


@pytest.mark.parametrize("variable", ["GITHUB_ACTIONS", "CRDTCTL_FORMAT", "CRDTCTL_HEADER"])
def test_showing_all_counters_in_another_form_is_left_to_the_full_command(variable: str) -> None:
    values = {"GITHUB_ACTIONS": "true", "CRDTCTL_FORMAT": "json", "CRDTCTL_HEADER": "1"}
    assert not listed({"a": {"pncounter": {HERE: (1, 5, 7)}}}, None, **{variable: values[variable]}).is_fast


def test_showing_very_many_counters_is_left_to_the_full_command() -> None:
    many: dict[str, Counter] = {f"c{number:04}": {"pncounter": {HERE: (1, number, 0)}} for number in range(2000)}
    assert not listed(many, None).is_fast


ONCE: Counter = {"pncounter": {HERE: (20, 12, 5, {"job-1": (3, 0)})}}
SET: Counter = {"gset": {HERE: (20, {"ada": 3})}}
OTHERS = {"builds": OF_HUB["pncounter"]["builds"], "visitors": {"gset": {HUB: (3, {"ada": 1, "eve": 2})}}}


@pytest.mark.parametrize(
    ("words", "is_fast"),
    [
        ("increment builds --once job-2", True),
        ("increment --once=job-2 builds 4", True),
        ("decrement builds 4 --once job-2", True),
        ("increment keyed --once job-2", True),
        ("increment keyed --once job-1", False),
        ("increment keyed 3 --once job-1", True),
        ("decrement keyed 3 --once job-1", False),
        ("increment builds=3 keyed=3 --once job-1", True),
        ("add visitors ada eve", False),
        ("increment keyed 9 --once job-1", False),
        ("increment missing --once job-1", False),
        ("increment builds keyed=2", False),
        ("increment builds=1 keyed=2", True),
        ("decrement keyed=2 builds=1 --once job-7", True),
        ("increment builds=1 builds=2", False),
        ("increment builds=1 missing=2", False),
        ("increment builds=1 keyed=0", False),
        ("add visitors eve grace", True),
        ("add visitors ada", True),
        ("add visitors grace grace", False),
        ("add visitors", False),
        ("add builds grace", False),
        ("add visitors grace --once job-1", False),
    ],
)
def test_commands_of_scripts_are_fast_where_all_lines_are_plain(words: str, is_fast: bool) -> None:
    mine: dict[str, Counter] = {"builds": {"pncounter": {HERE: (20, 12, 5)}}, "keyed": ONCE, "visitors": SET}
    entries = {"own.json": own(mine), "known.json": known(OTHERS), "own.lock": b"", "known.lock": b""}
    case = Case(words.split(), {name: PlantedFile(data) for name, data in entries.items()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert first.is_fast == is_fast


@pytest.mark.parametrize(
    "theirs",
    [
        {"pncounter": {HUB: (3, 7, 1, {"job-2": (3, 0, 2)})}},
        {"pncounter": {HUB: (3, 7, 1, {}, {}, {}, {HERE: 20})}},
        {"gcounter": {HUB: (3, 7, {"job-2": (3,)})}},
    ],
)
def test_key_that_another_replica_used_or_may_have_let_expire_is_left_to_the_full_command(theirs: Counter) -> None:
    entries = {"own.json": own({"keyed": ONCE}), "known.json": known({"keyed": theirs}), "own.lock": b""}
    case = Case(
        ["increment", "keyed", "3", "--once", "job-2"], {name: PlantedFile(data) for name, data in entries.items()}
    )
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert not first.is_fast


def test_element_that_another_replica_may_have_reset_is_left_to_the_full_command() -> None:
    theirs: Counter = {"gset": {HUB: (3, {"eve": 2}, {HERE: 10})}}
    entries = {"own.json": own({"visitors": SET}), "known.json": known({"visitors": theirs}), "own.lock": b""}
    case = Case(["add", "visitors", "ada"], {name: PlantedFile(data) for name, data in entries.items()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert not first.is_fast


@pytest.mark.parametrize(
    ("mine", "theirs", "value"),
    [
        ((20, 12, 5, {"job-1": (3, 0)}), (3, 7, 1, {"job-1": (3, 0), "job-2": (0, 2)}), 14),
        ((20, 12, 5, {"job-1": (3, 0, 9)}), (3, 7, 1), 16),
        ((20, 12, 5), (3, 7, 1, {"job-1": (3, 1, 2)}), 15),
        ((20, 12, 5, {"job-1": (3, 2)}), (3, 0, 0, {"job-1": (5, 1)}), 10),
        ((20, 12, 5, {}, {}, {}, {}, 0, {}, 1, 0, "d20454:3"), (3, 7, 1), 13),
        ((20, 12, 5, {"job-1": (3, 0)}), (3, 7, 1, {}, {}, {}, {}, 0, {}, 1), 16),
    ],
)
def test_showing_keys_and_periods_is_fast(mine: tuple[object, ...], theirs: tuple[object, ...], value: int) -> None:
    files = {
        "own.json": own({"builds": {"pncounter": {HERE: mine}}}),
        "known.json": known({"builds": {"pncounter": {HUB: theirs}}}),
    }
    case = Case(["show", "builds"], {name: PlantedFile(data) for name, data in files.items()})
    first = outcome(case, fast_first)
    assert first == outcome(case, full)
    assert (first.ended, first.is_fast) == (Result(0, f"{value}\n", ""), True)


@pytest.mark.parametrize(
    ("options", "is_fast"),
    [
        *(
            ("--min 18", True),
            ("--min 19", False),
            ("--max 18", True),
            ("--max=17", False),
            ("--min 1 --max 17", False),
        ),
        *(("--type pncounter", True), ("--type gcounter", False), ("-t pncounter --min 18", True)),
        *(("--top 1", True), ("--top 0", False), ("--sort value", True), ("--sort x", False), ("--default x", False)),
        *(("--max 9 --max 99", False), ("--exact --exact", False), ("--exact=1", False), ("--min=", False)),
        *(("--format toml", False), ("--min 018", False), ("--min -1", False), ("-f=csv", False), ("--format", False)),
    ],
)
def test_an_option_that_is_met_is_fast_and_any_other_is_left(options: str, is_fast: bool) -> None:
    case = plain("pncounter", (12, 5), learned=OF_HUB["pncounter"], arguments=["show", "builds", *options.split()])
    done = outcome(case, fast_first)
    assert done == outcome(case, full)
    assert done.is_fast == is_fast


@pytest.mark.parametrize(
    ("form", "name", "number", "is_fast"),
    [
        *(
            ("csv", "builds", 1, True),
            ("csv", "::a", 1, False),
            ("tsv", "::a", 1, True),
            ("json", "free slots", 1, False),
        ),
        *(("json", "builds", MAX_SAFE, True), ("ndjson", "builds", MAX_SAFE, True), ("value", "b", MAX_SAFE, True)),
    ],
)
@pytest.mark.parametrize("words", [["show"], ["show", "NAME"]])
def test_a_format_of_plain_counters_is_fast(form: str, name: str, number: int, is_fast: bool, words: list[str]) -> None:
    files = {"own.json": PlantedFile(own({name: {"gcounter": {HERE: (20, number)}}}))}
    case = Case([word.replace("NAME", name) for word in words] + ["--format", form], files)
    done = outcome(case, fast_first)
    assert done == outcome(case, full)
    assert (done.is_fast, done.ended.status) == (is_fast, 0)
