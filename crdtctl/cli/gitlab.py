"""Metrics → the metrics report of GitLab, which merge requests show. Pure.

GitLab reads a line as the words of a shell: a name and a value. A ``#`` begins a comment, also inside quotes. It shows
each line, so a counter has only its value, and a distribution its sum and its count.
"""

from __future__ import annotations

from crdtctl.cli import exposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def text(found: Iterable[exposition.Metric]) -> Iterator[str]:
    """Yield a line for each sample. A ``#`` in a label is written as ``%23``."""
    for one in found:
        for line in exposition.text([one], "prom") if not one.part else ():
            if not line.startswith(("#", f"{one.name}_bucket{{")):
                yield line.replace("#", "%23")
