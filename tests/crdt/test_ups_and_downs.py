"""The totals of a counter, one for each direction: what resets leave, with keys and readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.additive import AdditiveCounter
from tests.support.histories import moments

ADDITIVE = {tag: kind for tag, kind in TYPES.items() if isinstance(kind, AdditiveCounter)}


@pytest.mark.parametrize("kind", ADDITIVE.values(), ids=ADDITIVE)
@given(data=st.data())
def test_the_weighted_sum_of_totals_is_the_value(kind: AdditiveCounter, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    found = kind.totals(moment.state) if moment.state else (0,) * len(kind.weights)
    assert kind.weigh(found) == kind.value(moment.state)
    assert min(found) >= 0


def test_keys_and_readings_are_in_the_totals() -> None:
    kind = ADDITIVE["pncounter"]
    row = kind.record.make(4, 5, 3, {"k": (2, 0, 2), "d": (0, 7, 3)}, {}, {}, {}, 0, {"m": {"0": (4,)}})
    assert kind.totals({"ann": row}) == (11, 10)
