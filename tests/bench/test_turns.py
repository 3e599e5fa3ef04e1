"""A row of the bench: the number of turns that it takes."""

import math
import os
from pathlib import Path

import pytest

from tests.bench.contest import Command, Contest, Rival, program


def command(directory: Path) -> Command:
    return Command(name="true", processes=[[program("true")]], directory=str(directory), environment=dict(os.environ))


@pytest.mark.parametrize(("seconds", "turns", "taken"), [(math.inf, 1, 5), (math.inf, 2, 10), (0, 1, 3), (0, 2, 3)])
def test_a_row_ends_after_its_seconds_but_takes_three_turns(
    tmp_path: Path, seconds: float, turns: int, taken: int
) -> None:
    ours, other = command(tmp_path), command(tmp_path)
    Contest(ours=ours, rivals=[Rival(other)], turns=turns).run(5, seconds)
    assert (len(ours.usages), len(other.usages)) == (taken, taken)
    assert ours.runs == taken + 1  # the first one is not counted
