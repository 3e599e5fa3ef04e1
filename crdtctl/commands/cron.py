"""``crdtctl cron``"""

from __future__ import annotations

from crdtctl.cli import output, paths, program
from crdtctl.cli.durations import duration
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.options import TEXTFILE
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.cli.context import Context

#: The programs that reach remotes.
_PROGRAMS = ("ssh", "git", "rclone")
_USUAL = ("/usr/bin", "/bin")


@command(
    Argument("remotes", "[REMOTE]...", "Names or URLs. Default: all remotes.", repeated=True),
    Option(
        "every", metavar="INTERVAL", kind=duration, default=600.0, help="Interval: 5m, 10m, 30m, 2h, 1d. Default: 10m."
    ),
    Option("alert_after", metavar="DURATION", default="6h", help="Passed to 'crdtctl sync'. Default: 6h."),
    TEXTFILE,
    Flag("systemd", help="Print a service and a timer of systemd instead."),
    statuses=READS,
)
def cron(
    context: Context, remotes: list[str], every: float, alert_after: str, textfile: str | None, systemd: bool
) -> None:
    """Print a crontab line, or units of systemd, that sync this replica.

    \b
    EXAMPLES:
      crdtctl cron
      (crontab -l; crdtctl cron) | crontab -
      crdtctl cron hub --every 1h --textfile /var/lib/prometheus/node-exporter/crdtctl.prom
      crdtctl cron --systemd

    The line has absolute paths of this program and of this replica, and a PATH with the programs that reach remotes. It
    is quoted for cron and for the shell. Its minutes differ from replica to replica, so a fleet does not sync all at
    once. Nothing is installed.
    """
    import os

    from crdtctl.cli import schedule

    try:
        duration(alert_after)
    except ValueError as error:
        raise UsageError(f"--alert-after: {error}") from None
    interval = schedule.minutes(every)
    replica = session(context).open_to_read()
    words = [*program.words(), "--replica", os.path.abspath(replica.path), "sync", "--alert-after", alert_after]
    if textfile is not None:
        from crdtctl.cli.textfile import checked

        words += ["--textfile", os.path.abspath(checked(textfile))]
    words += map(_absolute, remotes)
    variables = _variables()
    if systemd:
        for name, text in schedule.systemd_units(words, variables, interval).items():
            output.stdout.line(f"# ~/.config/systemd/user/{name}")
            output.stdout.write(text.encode())
            output.stdout.line("")
        output.stdout.line("# Then: systemctl --user daemon-reload; systemctl --user enable --now crdtctl-sync.timer")
        output.stdout.line("# To sync also while you are logged out: loginctl enable-linger")
        return
    offset = int(replica.id[-8:], 16) if replica.id[-8:].isalnum() else 0
    output.stdout.line(schedule.crontab_line(words, variables, interval, offset))


def _absolute(remote: str) -> str:
    """Return a remote on the command line, so that it means the same in another directory."""
    from crdtctl.sync.remotes import is_place, own_place
    from crdtctl.sync.schemes import check

    return own_place(check(paths.given(remote))) if is_place(remote) else remote


def _variables() -> dict[str, str]:
    """Return the variables that the command needs where the environment is nearly empty."""
    import os
    from shutil import which

    found = [os.path.dirname(path) for name in _PROGRAMS if (path := which(name))]
    state = os.environ.get("XDG_STATE_HOME")
    return {
        "PATH": ":".join(_once([*(place for place in found if place not in _USUAL), *_USUAL])),
        **({"XDG_STATE_HOME": state} if state else {}),
    }


def _once(places: Iterable[str]) -> list[str]:
    return [*dict.fromkeys(places)]
