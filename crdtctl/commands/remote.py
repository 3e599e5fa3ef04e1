"""``crdtctl remote``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.line import FORMAT, Group
from crdtctl.cli.output import Report
from crdtctl.cli.signals import ended_by_signal
from crdtctl.cli.statuses import READS, WRITES, section
from crdtctl.cli.verb import FormatOption, session, verb_app
from crdtctl.errors import AnswerIsNo, UsageError, printable

# What carries a command out is imported where it is called: the program's help lists this one, and is to be quick.


class Remotes(Group):
    """The commands about remotes."""

    aliases = {"rm": "remove", "del": "remove", "delete": "remove", "ls": "list"}  # noqa: RUF012


app, settings = verb_app(1, *READS, *WRITES, group=Remotes)


@app.callback(epilog=section(1, *READS, *WRITES), invoke_without_command=True)
def remote(context: typer.Context) -> None:
    """Name the places where 'crdtctl sync' meets others.

    Without a command, they are listed.

    They stand in the replica's config.toml, which may be edited as well. A URL is a path of a folder or of
    a git repository, or begins with file:// ssh:// git+ssh:// git+https:// git+file:// s3:// gs:// az://
    http:// https:// rclone: or exec: and never holds a password, a key or a token.

    \b
    EXAMPLES:
      crdtctl remote add hub ssh://hub.example.org/srv/counts
      crdtctl remote add stick /media/stick/counts
      crdtctl remote list
      crdtctl remote check hub
      crdtctl remote remove stick
    """
    if context.invoked_subcommand is None:
        list_(context, FORMAT.of(context))


_add, _remove = verb_app(73, *WRITES)[1], verb_app(*WRITES)[1]
_list, _check = verb_app(78, *READS)[1], verb_app(1, 78, *READS)[1]


@app.command("add", **_add)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is; a path is made absolute.")],
) -> None:
    """Note a remote under a name.

    Nothing is reached yet; 'crdtctl remote check' does. Credentials stay where each kind of remote keeps
    them: ssh keys, git's credential helper, the cloud's environment variables, ~/.netrc, rclone's configuration.

    \b
    EXAMPLES:
      crdtctl remote add hub ssh://hub.example.org/srv/counts
      crdtctl remote add origin "git+ssh://git@example.org/team/counts#crdtctl"
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="The remote to forget.")],
) -> None:
    """Forget a remote; what is there stays.

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

    One that holds a credential, or is wrong in another way, is not shown: status 78.

    \b
    EXAMPLES:
      crdtctl remote list
      crdtctl remote list --format json
    """
    from crdtctl.sync.remotes import configured
    from crdtctl.sync.schemes import redacted

    chosen = output.choose(form)
    replica = session(context).open()
    known = replica.remotes()
    items = [{"name": name, "url": redacted(url)} for name, url in known.items()]
    columns = ("name", "url")
    output.show(Report("remotes", columns, items, lambda item: [[item[column] for column in columns]]), chosen)
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
            help="Give up a remote after this time. Default: 1m.",
            show_default=False,
        ),
    ] = 60.0,
    form: FormatOption = None,
) -> None:
    """Try remotes: whether each can be reached, written and read, and what a cut put leaves there.

    A file of its own is put, read and deleted again. Status 1 if anything does not work.

    \b
    EXAMPLES:
      crdtctl remote check
      crdtctl remote check hub /media/stick/counts
    """
    from crdtctl.sync.cache import directory
    from crdtctl.sync.remote_check import check_remote
    from crdtctl.sync.remotes import named_remotes
    from crdtctl.sync.transport import Deadline

    chosen = output.choose(form)
    replica = session(context).open()
    columns = ("remote", "what", "ok", "found")
    place = directory(replica.path)
    wanted = named_remotes(replica, remotes)
    with ended_by_signal():
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
    output.show(rows, chosen)
    failed = {str(item["remote"]) for item in items if not item["ok"]}
    if failed:
        raise AnswerIsNo(f"{', '.join(sorted(failed))} cannot be used as it is")
