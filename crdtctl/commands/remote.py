"""``crdtctl remote``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.exit_status import READS, WRITES, section
from crdtctl.cli.line import FORMAT, Group
from crdtctl.cli.output import Report
from crdtctl.cli.signals import exit_on_signal
from crdtctl.cli.verb import FormatOption, command_app, session
from crdtctl.errors import AnswerIsNo, UsageError, printable

# The modules of sync are imported inside the functions: the program's help loads this module, and must be fast.


class Remotes(Group):
    """The commands about remotes."""

    aliases = {"rm": "remove", "del": "remove", "delete": "remove", "ls": "list"}  # noqa: RUF012


app, settings = command_app(1, *READS, *WRITES, group=Remotes)


@app.callback(epilog=section(1, *READS, *WRITES), invoke_without_command=True)
def remote(context: typer.Context) -> None:
    """List, add, check and remove remotes.

    \b
    EXAMPLES:
      crdtctl remote add hub ssh://hub.example.org/srv/counts
      crdtctl remote add stick /media/stick/counts
      crdtctl remote list
      crdtctl remote check hub
      crdtctl remote remove stick

    A remote is a place where 'crdtctl sync' exchanges states. Without a subcommand, the remotes are listed. They are
    kept in config.toml of the replica, which you may edit.

    A URL is the path of a folder or of a git repository, or begins with file:// ssh:// git+ssh:// git+https://
    git+file:// s3:// gs:// az:// http:// https:// rclone: or exec: and never contains a password, a key or a token.
    """
    if context.invoked_subcommand is None:
        list_(context, FORMAT.of(context))


_add, _remove = command_app(73, *WRITES)[1], command_app(*WRITES)[1]
_list, _check = command_app(78, *READS)[1], command_app(1, 78, *READS)[1]


@app.command("add", **_add)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the remote.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="URL or path of the remote; a path is made absolute.")],
) -> None:
    """Add a remote under a name.

    \b
    EXAMPLES:
      crdtctl remote add hub ssh://hub.example.org/srv/counts
      crdtctl remote add origin "git+ssh://git@example.org/team/counts#crdtctl"

    The remote is not contacted; 'crdtctl remote check' does that. Credentials stay where each kind of remote keeps
    them: ssh keys, git's credential helper, the cloud's environment variables, ~/.netrc, rclone's configuration.
    """
    from crdtctl.store.config import NAME
    from crdtctl.sync.remotes import own_place
    from crdtctl.sync.schemes import check as check_url

    if not NAME.fullmatch(name) and NAME.fullmatch(url):
        raise UsageError("NAME comes first", f"crdtctl remote add {url} {printable(name)}")
    place = own_place(check_url(url))
    session(context).open_to_write().add_remote(name, place)


@app.command("remove", **_remove)
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the remote.")],
) -> None:
    """Remove a remote from the settings; its files stay.

    \b
    EXAMPLES:
      crdtctl remote remove stick
    """
    from crdtctl.sync.cache import directory
    from crdtctl.sync.health import forget

    replica = session(context).open()
    url = replica.remotes().get(name)
    replica.remove_remote(name)
    if url is not None and url not in replica.remotes().values():
        forget(directory(replica.path), url)


@app.command("list", **_list)
def list_(context: typer.Context, form: FormatOption = None) -> None:
    """List the remotes.

    \b
    EXAMPLES:
      crdtctl remote list
      crdtctl remote list --format json

    A remote with a credential in its URL, or with another fault, is not shown; the status is then 78.
    """
    from crdtctl.sync.remotes import configured
    from crdtctl.sync.schemes import redacted

    chosen = output.resolve_format(form)
    replica = session(context).open()
    known = replica.remotes()
    items = [{"name": name, "url": redacted(url)} for name, url in known.items()]
    columns = ("name", "url")
    output.print_report(Report("remotes", columns, items, lambda item: [[item[column] for column in columns]]), chosen)
    for name, url in known.items():
        configured(name, url)


@app.command("check", **_check)
def check(
    context: typer.Context,
    remotes: Annotated[
        list[str] | None, typer.Argument(metavar="[REMOTE]...", help="Names or URLs. Default: all remotes.")
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            help="Time limit for each remote. Default: 1m.",
            show_default=False,
        ),
    ] = 60.0,
    form: FormatOption = None,
) -> None:
    """Check whether remotes can be reached, written and read.

    \b
    EXAMPLES:
      crdtctl remote check
      crdtctl remote check hub /media/stick/counts

    Uploads, reads and deletes a small file of its own at each remote, and reports whether an interrupted upload leaves
    anything there. Ends with status 1 if anything does not work.
    """
    from crdtctl.sync.cache import directory
    from crdtctl.sync.remote_check import check_remote
    from crdtctl.sync.remotes import named_remotes
    from crdtctl.sync.transport import Deadline

    chosen = output.resolve_format(form)
    replica = session(context).open()
    columns = ("remote", "what", "ok", "found")
    place = directory(replica.path)
    wanted = named_remotes(replica, remotes)
    with exit_on_signal():
        items = [
            {"remote": one.name, "what": found.what, "ok": found.ok, "found": found.found}
            for one in wanted
            for found in check_remote(one.url, Deadline(timeout), place)
        ]
    rows = Report(
        "probes",
        columns,
        items,
        lambda item: [[item["remote"], item["what"], "ok" if item["ok"] else "FAULT", item["found"]]],
    )
    output.print_report(rows, chosen)
    failed = {str(item["remote"]) for item in items if not item["ok"]}
    if failed:
        raise AnswerIsNo(f"{', '.join(sorted(failed))} cannot be used; see the faults above")
