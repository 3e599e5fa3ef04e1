"""Machines that run recipes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.recipes import Machine


@pytest.fixture
def machine(tmp_path: Path, environment: dict[str, str]) -> Callable[[str], Machine]:
    """Return what makes a machine of a name."""
    return lambda name: Machine.make(tmp_path / name, environment)
