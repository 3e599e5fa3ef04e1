"""Requests of a large batch: what they take, and what they ask for."""

import tracemalloc

from crdtctl.store import requests

#: Maximum number of bytes of memory for each plain request, with its name.
_EACH = 250


def test_many_plain_requests_take_little_memory_each() -> None:
    requests.increment("warm")
    tracemalloc.start()
    try:
        found = [requests.increment(f"name.{number:05}") for number in range(5000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 5000
    assert taken < _EACH * len(found)


def test_amounts_and_directions_are_those_asked_for_however_many_there_are() -> None:
    for _ in range(2):
        for amount in range(2500):
            up, down = requests.increment("a", amount).operation, requests.decrement("a", amount).operation
            assert (up.verb, up.amount, down.verb, down.amount) == ("increment", amount, "decrement", amount)
    keyed, dated = requests.increment("a", 7, once="k").operation, requests.increment("a", 7, at=9.0).operation
    assert (keyed.once, keyed.at, dated.once, dated.at) == ("k", None, None, 9)
