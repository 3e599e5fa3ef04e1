"""Laws of selections: an oracle that knows only (name, labels, amount) says what every reading is.

Three replicas count series with labels that are hard to write, and exchange states in any order.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.crdt.series import spelled
from tests.support.places import quick_directory

VALUES = st.sampled_from(["linux", "a,b", 'say "hi"', "\\", "{}", "x=y", '",z="', "ünï", "*"])
LABELS = st.dictionaries(st.sampled_from(["os", "py", "_k9"]), VALUES, max_size=3)
NAMES = st.sampled_from(["tests", "tests.slow", "a b"])
WHO = st.integers(0, 2)


class Counted(NamedTuple):
    """One operation: an amount, and an element that is added to a set and to a sketch."""

    who: int
    name: str
    labels: dict[str, str]
    amount: int
    element: str


class Meeting(NamedTuple):
    """A replica merges the state of another one."""

    source: int
    target: int


COUNTED = st.builds(Counted, WHO, NAMES, LABELS, st.integers(-9, 9), st.sampled_from("abcdef"))
HISTORIES = st.lists(COUNTED | st.builds(Meeting, WHO, WHO), max_size=12)
#: The last meetings bring everything to everybody.
ENDS = st.permutations([Meeting(source, target) for source in range(3) for target in range(3)])
GROUPS = st.lists(st.sampled_from(["os", "py", "_k9", "none"]), unique=True, max_size=3)


def happen(replicas: list[Replica], history: Iterable[Counted | Meeting]) -> list[Counted]:
    done = []
    for event in history:
        if isinstance(event, Meeting):
            replicas[event.target].merge_bytes(replicas[event.source].export_bytes())
            continue
        done.append(event)
        with replicas[event.who].batch() as batch:
            backwards = dict(reversed(event.labels.items()))
            name = spelled(event.name, event.labels)
            if event.amount < 0:
                batch.decrement(name, -event.amount)
            else:
                batch.increment(event.name, event.amount, labels=backwards)
            batch.add(name.replace(event.name, f"{event.name} set", 1), event.element, tag="gset")
            batch.add(name.replace(event.name, f"{event.name} hll", 1), event.element, tag="hll")
    return done


def readings(replica: Replica, name: str, by: list[str], where: list[str]) -> list[object]:
    return [
        (one.name, one.tag, list(one.labels.items()), one.value, one.shares, one.facts)
        for suffix in ("", " set", " hll")
        for one in replica.select(f"{name}{suffix}", by=by, where=where)
    ]


@given(HISTORIES, ENDS, NAMES, GROUPS, st.sampled_from(["os", "py"]), VALUES, st.booleans())
def test_selections_are_what_was_counted(
    history: list[Counted | Meeting],
    ends: list[Meeting],
    name: str,
    by: list[str],
    key: str,
    value: str,
    differs: bool,
) -> None:
    with quick_directory() as place:
        replicas = [Replica.init(f"{place}/{who}", name=f"r{who}") for who in range(3)]
        done = happen(replicas, [*history, *ends, *ends])
        of_name = [one for one in done if one.name == name]
        groups: dict[tuple[str, ...], list[Counted]] = {}
        for one in of_name:
            groups.setdefault(tuple(one.labels.get(group, "") for group in by), []).append(one)
        for replica in replicas:
            found = {tuple(one.labels.values()): one.value for one in replica.select(name, by=by)}
            assert found == {values: sum(one.amount for one in some) for values, some in groups.items()}
            for kind in ("set", "hll"):
                sets = {tuple(one.labels.values()): one for one in replica.select(f"{name} {kind}", by=by)}
                assert {values: one.value for values, one in sets.items()} == {
                    values: len({one.element for one in some}) for values, some in groups.items()
                }
                total = sum(one.value for one in replica.select(f"{name} {kind}"))
                assert total == len({one.element for one in of_name})
                if kind == "set":
                    assert {member for one in sets.values() for member in one.members} == {
                        one.element for one in of_name
                    }
            assert sum(found.values()) == sum(one.value for one in replica.select(name))
            (selected,) = [replica.select(name, where={key: value})]
            expected = [one.amount for one in of_name if one.labels.get(key) == value]
            assert [one.value for one in selected] == ([sum(expected)] if expected else [])
            operator = "!=" if differs else "="
            text = f"{name}{{{spelled('', {key: value})[1:-1].replace('=', operator, 1)}}}"
            chosen = [one.amount for one in of_name if (one.labels.get(key) == value) is not differs]
            assert [one.value for one in replica.select(text)] == ([sum(chosen)] if chosen else [])
        where = [f"{key}!={value}"] if differs else []
        assert len({repr(readings(replica, name, by, where)) for replica in replicas}) == 1
