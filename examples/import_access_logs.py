"""Count the requests in access logs by status. A log that is imported again, or was rotated, changes nothing.

    python examples/import_access_logs.py REPLICA LOG...

A log is recognized by its first line, so by another name too, and compressed with gzip. From then on it only grows, as
the reading of a meter does. So the number of its requests is observed, and only what is new counts, on all replicas
together. A line that is still being written is left for the next time. Import a log a last time after its rotation.
"""

import gzip
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from crdtctl import Replica


def lines(log: Path) -> Iterator[bytes]:
    """Yield the complete lines of a log."""
    with log.open("rb") as plain:
        is_compressed = plain.read(2) == b"\x1f\x8b"
    with gzip.open(log) if is_compressed else log.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def status(line: bytes) -> str:
    """Return the status of a request in the common or combined log format; empty if the line has none."""
    word = line.partition(b'" ')[2].split(b" ", 1)[0].decode("ascii", "replace")
    return word if word.isdigit() and len(word) == 3 else ""


def main(directory: str, *logs: str) -> None:
    """Import logs into a replica, each in one commit."""
    replica = Replica(directory)
    for log in logs:
        found: Counter[str] = Counter()
        source = ""
        for line in lines(Path(log)):
            source = source or hashlib.sha256(line).hexdigest()[:32]
            found[status(line) or "unreadable"] += 1
        with replica.batch() as batch:
            for word, number in found.items():  # "ignore": an older copy of the log has nothing new
                batch.observe("requests", number, source=source, on_drop="ignore", labels={"status": word})


if __name__ == "__main__":
    main(*sys.argv[1:])
