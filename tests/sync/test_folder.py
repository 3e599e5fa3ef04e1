"""A folder as a remote."""

from pathlib import Path

import pytest

from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings


class TestFolder(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(str(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")
