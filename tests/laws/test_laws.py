"""The laws hold in some worlds; ``python -m tests.laws`` takes many more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.running import failure, fewest, play, steps_of_seed
from tests.laws.world import ACTIONS, KINDS, STEP, Step, happens, steps_of

#: One world of each kind, in which folding and resets meet; the mutants of the laws are caught in these.
WORLDS = (40, 9, 10, 11)
#: Worlds in which the fleet of all files is checked: one with resets, and one with hand-offs.
FLEETS = (4, 7)


@pytest.mark.parametrize("seed", WORLDS + FLEETS)
def test_the_laws_hold_in_a_world(seed: int) -> None:
    play(*steps_of_seed(seed))


@given(st.sampled_from(KINDS), st.binary(min_size=STEP, max_size=12 * STEP))
def test_the_laws_hold_in_a_small_world(kind: str, tape: bytes) -> None:
    play(kind, steps_of(kind, tape))


def test_a_step_is_read_as_it_is_written() -> None:
    kind, steps = steps_of_seed(1)
    assert kind == "clones"
    assert [Step.read(repr(one)) for one in steps] == steps


def test_a_failure_is_shown_with_the_fewest_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def count_nothing(*_: object) -> None:
        raise AssertionError("a count was lost")

    monkeypatch.setitem(ACTIONS, "reset", ACTIONS["reset"])
    happens(4)(count_nothing)
    monkeypatch.setitem(ACTIONS, "reset", ACTIONS.pop("count_nothing"))
    steps = [Step("count", bytes(10)), Step("meet", bytes(10)), Step("reset", bytes(10)), Step("meet", bytes(10))]
    assert "a count was lost" in (failure("resets", steps) or "")
    assert fewest("resets", steps) == [Step("reset", bytes(10))]
    assert failure("resets", steps[:2]) is None
