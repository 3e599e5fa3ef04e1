"""A copied or rolled-back replica: each acknowledged count counts once, or the fork is reported."""

import pytest

from tests.torture.copies import WAYS
from tests.torture.exchange import EXACT, REPORTED
from tests.torture.harmless import LOUD, QUIET, Harmless
from tests.torture.ways import Way

_EXACT = (
    "copy: cp -a",
    "copy: cp -al (hard links)",
    "copy: cp -a of a replica that had not counted yet",
    "copy: cp -a while it writes",
    "roll-back: own.json alone, cat > in place",
    "roll-back: own.json alone, its hard link moved back",
    "roll-back: everything, rename swap",
    "copy: btrfs subvolume snapshot, with the state directory",
    "copy: another machine, same paths, with the state directory",
    "copy: two overlays over one image, with the state directory",
    "roll-back: image of ext4, without the state directory",
)
_REPORTED = (
    "copy: image of ext4, with the state directory, in the same place",
    "roll-back: image of ext4, with the state directory",
)
_QUIET = (
    "mv in the same directory",
    "touch",
    "tar of the directory",
    "two homes in turns",
    "the same image of ext4 mounted again",
    "root and nobody in turns, one home",
)

pytestmark = pytest.mark.timeout(300)


def _way(name: str) -> Way:
    way = next(way for way in WAYS if way.name == name)
    if why := way.missing():
        pytest.skip(why)
    return way


@pytest.mark.parametrize("name", _EXACT)
def test_what_a_copy_or_an_older_version_says_counts_exactly_once(name: str) -> None:
    outcome = _way(name).tried(1)
    assert (outcome.verdict, outcome.noticed) == (EXACT, True), outcome.said


@pytest.mark.parametrize("name", _REPORTED)
def test_a_copy_that_nothing_gives_away_is_reported_and_its_branches_are_kept(name: str) -> None:
    outcome = _way(name).tried(1)
    assert outcome.verdict == REPORTED, outcome.said


@pytest.mark.parametrize("event", [event for event in QUIET if event.name in _QUIET], ids=lambda event: event.name)
def test_what_is_no_copy_does_not_alarm(event: Harmless) -> None:
    if why := event.missing():
        pytest.skip(why)
    assert event.said() == []


def test_a_backup_by_hard_links_does() -> None:
    assert LOUD[0].said() != []
