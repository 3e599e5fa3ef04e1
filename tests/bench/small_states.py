"""``python -m tests.bench.small_states DIRECTORY COUNT``: makes COUNT states of replicas that counted a little.

Of each, another one after it was sealed: ``sealed-0.json``, ….
"""

import shutil
import sys
from pathlib import Path

from crdtctl import Replica
from tests.bench.amounts import small


def make(directory: Path, count: int) -> None:
    """Make the states ``0.json``, ``1.json``, … in `directory`."""
    for number in range(count):
        replica = Replica.init(directory / "replica", name=f"small-{number}")
        with replica.batch() as batch:
            for name, amount in small(number).items():
                batch.increment(name, amount)
        replica.export_to(directory / f"{number}.json")
        replica.seal()
        replica.export_to(directory / f"sealed-{number}.json")
        shutil.rmtree(directory / "replica")


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
