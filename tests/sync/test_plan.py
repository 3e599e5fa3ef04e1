"""The plan of a sync: the objects to read, and the object to upload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import Roster, record_of
from crdtctl.records import replace
from crdtctl.store.knowledge import Knowledge
from crdtctl.sync.object_name import name_of
from crdtctl.sync.plan import (
    CachedObject,
    ObjectSummary,
    entries_to_fetch,
    fingerprint_of,
    is_named,
    plan_upload,
    replicas_to_relay,
)
from crdtctl.sync.transport import ListedObject


def replica_id(number: int) -> str:
    """Return the id of a replica, as `init` mints it; a smaller number gives a smaller id."""
    return f"r{number}-0193a7f2c4d6{number:020x}"


A, B, C, D = map(replica_id, range(1, 5))


def standing(
    replica: str, clock: Clock, *, own_checksum: str = "m", has_left: bool = True, **ended: object
) -> Knowledge:
    """Return where a replica stands that knows all of `clock`."""
    roster = replace(Roster(), **ended)
    return Knowledge(replica, clock, {}, roster, own_checksum=own_checksum, has_left=has_left)


def memo(owner: str, clock: Clock, *, digest: str = "d" * 32, fingerprint: str = "", name: str = "") -> CachedObject:
    """Return what is remembered of an object of `owner` that holds `clock`."""
    return CachedObject(
        ListedObject(name or name_of(owner, digest), 100, "v1"), digest, ObjectSummary(owner, clock), fingerprint
    )


def read(listing: Iterable[ListedObject], memos: Iterable[CachedObject], here: Knowledge) -> list[str]:
    return [entry.name for entry in entries_to_fetch(listing, {memo.entry.name: memo for memo in memos}, here)]


# What to read ------------------------------------------------------------------------------------------


def test_what_is_remembered_and_known_is_not_read_again() -> None:
    there = memo(B, {B: 3})
    assert read([there.entry], [there], standing(A, {B: 3})) == []
    assert read([there.entry], [there], standing(A, {B: 9})) == []


def test_what_is_not_remembered_is_read() -> None:
    assert read([ListedObject("new", 1)], [], standing(A, {})) == ["new"]


def test_what_has_another_size_or_version_than_remembered_is_read() -> None:
    there = memo(B, {B: 3})
    for changed in (there.entry._replace(size=101), there.entry._replace(version="v2")):
        assert read([changed], [there], standing(A, {B: 3})) == [there.entry.name]


def test_what_is_remembered_but_not_known_any_more_is_read() -> None:
    there = memo(B, {B: 3, C: 1})
    assert read([there.entry], [there], standing(A, {B: 3})) == [there.entry.name]
    assert read([there.entry], [there], standing(A, {B: 2, C: 1})) == [there.entry.name]


def test_authors_that_were_absorbed_count_as_known() -> None:
    there = memo(B, {B: 3})
    here = standing(A, {A: 1}, absorbers={record_of(B): frozenset({A})})
    assert here.retired.has_absorbed(B)
    assert read([there.entry], [there], here) == []


def test_what_was_no_state_is_read_again_only_if_it_has_the_name_of_one() -> None:
    foreign = CachedObject(ListedObject("notes.txt", 10), "d", fault="not a state")
    half = CachedObject(ListedObject(name_of(B, "d" * 32), 10), "d", fault="cut")
    assert read([foreign.entry, half.entry], [foreign, half], standing(A, {})) == [half.entry.name]


# What to put -------------------------------------------------------------------------------------------


def test_a_replica_that_knows_nothing_puts_nothing() -> None:
    assert not plan_upload([], standing(A, {}, own_checksum="")).wanted


def test_an_object_is_put_when_there_is_none_and_not_again() -> None:
    here = standing(A, {A: 2})
    first = plan_upload([], here)
    assert (first.wanted, first.relayed, first.obsolete) == (True, (), ())
    assert not plan_upload([memo(A, {A: 2}, fingerprint=fingerprint_of(here, first.relayed))], here).wanted


def test_a_replica_that_counted_puts_a_new_object_and_deletes_the_older() -> None:
    old = memo(A, {A: 2}, fingerprint="what it said before")
    assert plan_upload([old], standing(A, {A: 3})).obsolete == (old.entry.name,)


def test_a_state_that_has_not_left_is_put_again_although_it_is_there() -> None:
    here = standing(A, {A: 2}, has_left=False)
    assert plan_upload([memo(A, {A: 2}, fingerprint=fingerprint_of(here, ()))], here).wanted


def test_what_nobody_else_there_holds_is_carried() -> None:
    here = standing(A, {A: 1, B: 2, C: 3})
    assert replicas_to_relay([], [], here) == (B, C)
    assert replicas_to_relay([ObjectSummary(B, {B: 2})], [], here) == (C,)
    assert replicas_to_relay([ObjectSummary(B, {B: 1})], [], here) == (B, C)  # theirs is older
    assert replicas_to_relay([ObjectSummary(B, {B: 2, C: 3})], [], here) == ()


def test_what_a_delta_holds_is_held_by_nobody() -> None:
    assert replicas_to_relay([ObjectSummary(B, {B: 2}, is_whole=False)], [], standing(A, {B: 2})) == (B,)


def test_of_two_that_carry_the_same_the_smaller_id_goes_on() -> None:
    clock = {C: 3}
    mine, theirs = ObjectSummary(A, {A: 1, **clock}), ObjectSummary(B, {B: 1, **clock})
    assert replicas_to_relay([theirs], [mine], standing(A, {A: 1, B: 1, **clock})) == (C,)
    assert replicas_to_relay([mine], [theirs], standing(B, {A: 1, B: 1, **clock})) == ()
    assert (
        replicas_to_relay([mine, ObjectSummary(D, {D: 1, **clock})], [theirs], standing(B, {A: 1, B: 1, D: 1, **clock}))
        == ()
    )


def test_the_authors_own_object_is_better_than_any_that_carries_it() -> None:
    assert (
        replicas_to_relay([ObjectSummary(B, {B: 2})], [ObjectSummary(A, {A: 1, B: 2})], standing(A, {A: 1, B: 2})) == ()
    )


def test_where_a_fence_is_set_all_from_before_it_are_carried() -> None:
    elsewhere = [ObjectSummary(B, {B: 2})]
    assert replicas_to_relay(elsewhere, [], standing(A, {A: 1, B: 2}, cutoff=20300101)) == (B,)
    assert replicas_to_relay(elsewhere, [], standing(A, {A: 1, B: 2}, cutoff=20200101)) == ()


def test_copies_under_other_names_are_deleted_only_if_asked_for_and_only_own_ones() -> None:
    here = standing(A, {A: 2, B: 1})
    current = memo(A, {A: 2}, fingerprint=fingerprint_of(here, ()))
    copy = current._replace(entry=current.entry._replace(name="copy (1).json"), fingerprint="")
    foreign = memo(B, {B: 1}, name="laptop (1).json")
    assert plan_upload([current, copy, foreign, memo(B, {B: 1})], here).obsolete == ()
    assert plan_upload([current, copy, foreign, memo(B, {B: 1})], here, clean=True).obsolete == ("copy (1).json",)


def test_objects_of_absorbed_replicas_are_deleted_if_asked_for_by_who_absorbed_them() -> None:
    there = memo(B, {B: 1})
    absorbers = {record_of(B): frozenset({A})}
    assert plan_upload([there], standing(A, {A: 1}, absorbers=absorbers), clean=True).obsolete == (there.entry.name,)
    assert plan_upload([there], standing(A, {A: 1}, absorbers=absorbers)).obsolete == ()
    assert plan_upload([there], standing(C, {C: 1}, absorbers=absorbers), clean=True).obsolete == ()


# Names -------------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=80), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_names_are_safe_everywhere_and_never_those_of_other_contents(owner: str, digest: str) -> None:
    name = name_of(owner, digest)
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert name[0] not in ".-"
    assert len(name) <= 130
    assert name == name_of(owner, digest)
    assert name != name_of(owner, "0" * 32 if digest[:16] != "0" * 16 else "1" * 32)


def test_a_copy_has_not_the_name_that_its_owner_gave_it() -> None:
    assert is_named(memo(A, {A: 1}))
    assert not is_named(memo(A, {A: 1}, name="copy.json"))


# That nothing is lost ----------------------------------------------------------------------------------


@dataclass
class ModelRemote:
    """Replicas as clocks, and a remote as what their objects hold; a listing may be any of the past."""

    clocks: dict[str, dict[str, int]]
    remote: dict[str, ObjectSummary] = field(default_factory=dict)
    past: list[dict[str, ObjectSummary]] = field(default_factory=lambda: [{}])
    said: dict[str, int] = field(default_factory=dict)

    def sync(self, who: str, age: int) -> None:
        """Let a replica sync with a listing that is old; its own object it sees as it is."""
        seen = dict(self.past[-1 - min(age, len(self.past) - 1)])
        own = [self.remote[who]] if who in self.remote else []
        seen.pop(who, None)
        clock = self.clocks[who]
        for held in seen.values():
            for author, seq in held.clock.items():
                clock[author] = max(clock.get(author, 0), seq)
        kept = replicas_to_relay(list(seen.values()), own, standing(who, clock))
        put = {author: clock[author] for author in (who, *kept) if author in clock}
        self.remote = {**self.remote, who: ObjectSummary(who, put)}
        self.past.append(self.remote)
        for author, seq in put.items():
            self.said[author] = max(self.said.get(author, 0), seq)

    def held(self) -> Mapping[str, int]:
        """Return up to where each author is held by some object."""
        best: dict[str, int] = {}
        for held in self.remote.values():
            for author, seq in held.clock.items():
                best[author] = max(best.get(author, 0), seq)
        return best


#: Who does what: counts; learns from another, over another way; or syncs, with a listing of some age. D never syncs.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("count"), st.sampled_from([A, B, C, D]), st.none()),
        st.tuples(st.just("learn"), st.sampled_from([A, B, C]), st.sampled_from([A, B, C, D])),
        st.tuples(st.just("sync"), st.sampled_from([A, B, C]), st.integers(0, 4)),
    ),
    max_size=60,
)


@settings(max_examples=10 * settings().max_examples)  # what loses something is rare
@given(steps)
def test_whatever_was_ever_put_is_held_by_some_object_for_ever_however_stale_listings_are(
    story: list[tuple[str, str, str | int | None]],
) -> None:
    world = ModelRemote({name: {} for name in (A, B, C, D)})
    for what, who, how in story:
        if what == "count":
            world.clocks[who][who] = world.clocks[who].get(who, 0) + 1
        elif isinstance(how, str):
            for author, seq in world.clocks[how].items():
                world.clocks[who][author] = max(world.clocks[who].get(author, 0), seq)
        elif how is not None:
            world.sync(who, how)
        assert world.held() == world.said
