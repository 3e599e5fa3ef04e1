"""Let random worlds of replicas count, meet and fail, and check the laws: ``python -m tests.laws``.

``--steps N`` takes that many steps in all; ``--seed S`` begins with another world. A failure prints the fewest steps
that fail, and ``--replay FILE`` carries out such steps, from a file.
"""

import argparse
import sys
from pathlib import Path

from tests.laws.running import run


def main() -> int:
    """Run worlds; return 1 if a law does not hold in one of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.laws", description=__doc__)
    parser.add_argument("--steps", type=int, default=200_000, help="how many steps (default: 200,000)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first world (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="how many processes take them (default: 2)")
    parser.add_argument("--replay", type=Path, help="carry out the steps in this file, and nothing else")
    options = parser.parse_args()
    return run(options.steps, options.seed, options.processes, options.replay)


if __name__ == "__main__":
    sys.exit(main())
