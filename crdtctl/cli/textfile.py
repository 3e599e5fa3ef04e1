"""A file of metrics for the textfile collector of node_exporter."""

from __future__ import annotations

from crdtctl.cli import exposition, paths
from crdtctl.cli.durations import seconds_at
from crdtctl.cli.meeting_places import known_remotes
from crdtctl.errors import UsageError, printable
from crdtctl.store.selection import totals_of_all
from crdtctl.store.target import write_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.reader import Reader

_END = ".prom"
_MARK = b"# Metrics of a crdtctl replica\n"
#: The collector runs as another user.
_MODE = 0o644


def checked(word: str) -> str:
    """Return the path of a file of metrics; raise `UsageError` for a name that the collector does not read."""
    path = paths.given(word)
    name = path.rpartition("/")[2]
    if not name.endswith(_END) or name == _END:
        raise UsageError(
            f"'{printable(word)}' is not the name of a file of metrics: node_exporter reads only NAME{_END}",
            f"add {_END} to the name",
        )
    return path


def write(replica: Reader, path: str) -> None:
    """Write the metrics of all counters, and of the syncs, to a file: as a whole or not at all.

    Raise `ExistsError` if the file is of another kind, and `PartialError`, after writing, if names clash.
    """
    known = known_remotes(replica)
    remotes: dict[str, float] = {}
    for one in known:
        label = one["name"] or printable(one["url"])
        remotes[label] = max(remotes.get(label, 0), _time(one["last_ok"]))
    with replica.snapshot() as now:
        found, clashing = exposition.metrics(totals_of_all(now, (), None))
        heard = {who: _time(when) for who, when in sorted(now.heard().items())}
        lines = [
            *exposition.about_replica(up=not any(one["failures"] for one in known), remotes=remotes, heard=heard),
            *exposition.text(found, "prom"),
        ]
    data = _MARK + "".join([f"{line}\n" for line in lines]).encode()
    write_report(path, data, _MARK, noun="file of metrics of crdtctl", mode=_MODE)
    if clashing:
        raise exposition.left_out(clashing)


def _time(when: str | None) -> float:
    """Return a time in UTC as seconds since 1970; 0 for none."""
    return seconds_at(when or "") or 0
