"""``crdtctl remote``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.everywhere import FORMAT
from crdtctl.cli.exit_status import READS, WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.signals import exit_on_signal
from crdtctl.cli.verb import session
from crdtctl.errors import AnswerIsNo, MissingError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item

KEY = Option("key", metavar="FILE", help="Key file of a private remote, which only you can read.")
KEY_COMMAND = Option("key_command", metavar="COMMAND", help="Command that prints the key of a private remote.")


@command(
    Argument("name", "NAME", "Name of the remote.", required=True),
    Argument("url", "URL", "URL or path of the remote; a path is made absolute.", required=True),
    Flag("pull", help="Only read there: nothing is ever written or deleted."),
    Flag("push", help="Only write there: nothing is merged from there."),
    Flag("keep_old", "--keep-old", help="Never delete there, not even older objects of this replica."),
    KEY,
    KEY_COMMAND,
    statuses=(73, *WRITES),
)
def add(
    context: Context,
    name: str,
    url: str,
    pull: bool,
    push: bool,
    keep_old: bool,
    key: str | None,
    key_command: str | None,
) -> None:
    """Add a remote under a name.

    \b
    EXAMPLES:
      crdtctl remote add hub ssh://hub.example.org/srv/counts
      crdtctl remote add origin "git+ssh://git@example.org/team/counts#crdtctl"
      crdtctl remote add --pull office https://counts.example.org/office
      crdtctl remote add office s3://team/counts --key office.key
      crdtctl remote add office s3://team/counts --key-command 'pass show office'

    The remote is not contacted; 'crdtctl remote check' does that. Credentials stay where each kind of remote keeps
    them: ssh keys, git's credential helper, the cloud's environment variables, ~/.netrc, rclone's configuration.

    --pull, --push and --keep-old limit 'crdtctl sync' there, also if it is given the URL.

    With --key or --key-command, the remote is private: all objects there are encrypted, see 'crdtctl help private'.
    Only the path or the command is recorded. A private remote without either takes the key in CRDTCTL_REMOTE_KEY.
    """
    from crdtctl.store.config import is_name
    from crdtctl.sync.remotes import own_place
    from crdtctl.sync.schemes import check as check_url

    if not is_name(name) and is_name(url):
        raise UsageError("NAME comes first", f"crdtctl remote add {url} {printable(name)}")
    if pull and (push or keep_old):
        other = "--push" if push else "--keep-old"
        raise UsageError(f"--pull writes nothing, so it excludes {other}", "leave one out")
    place = own_place(check_url(url))
    only = "pull" if pull else "push" if push else None
    sources = _sources(key, key_command)
    session(context).open_to_write().add_remote(name, place, only=only, keep_old=keep_old, keys=sources)


def _sources(key: str | None, command: str | None) -> list[str]:
    """Return the source of a key from the options, or an empty list."""
    if key is not None and command is not None:
        raise UsageError("--key and --key-command exclude each other", "leave one out")
    if key is None and command is None:
        return []
    from crdtctl.sync.key_sources import command_source, file_source

    return [file_source(key)] if key is not None else [command_source(command or "")]


@command(
    Argument("name", "NAME", "Name of the remote, or the URL or path of one without a name.", required=True),
    statuses=WRITES,
)
def remove(context: Context, name: str) -> None:
    """Remove a remote from the settings; its files stay.

    \b
    EXAMPLES:
      crdtctl remote remove stick
      crdtctl remote remove /media/stick/counts

    A place that was synced without a name is not in the settings. Its history is deleted, so 'crdtctl status' does not
    show it any more.
    """
    from crdtctl.store.config import is_name
    from crdtctl.sync.health import forget, load_all
    from crdtctl.sync.kept_files import directory

    replica = session(context).open()
    if not is_name(name) and name not in replica.remotes():
        from crdtctl.sync.remotes import own_place
        from crdtctl.sync.schemes import check as check_url

        place = own_place(check_url(name))
        if place not in replica.remotes().values():
            if place not in [one.url for one in load_all(directory(replica.path))]:
                raise MissingError(f"'{printable(name)}' was never synced", "'crdtctl status' shows the remotes")
            forget(directory(replica.path), place)
            return
    url = replica.remotes().get(name)
    replica.remove_remote(name)
    if url is not None and url not in replica.remotes().values():
        forget(directory(replica.path), url)


@command(
    Argument("action", "ACTION", "The only action is 'new'.", required=True),
    statuses=READS,
)
def key(_context: Context, action: str) -> None:
    """Make a key for a private remote, and print it to a file or a pipe.

    \b
    EXAMPLES:
      crdtctl remote key new > office.key
      crdtctl remote key new | pass insert -m crdtctl/office

    A private remote holds encrypted objects only, and all its replicas have the same key. The file of the redirection
    gets the mode 600. Nothing else keeps the key, so make a copy of it. See 'crdtctl help private'.
    """
    import os
    import stat

    if action != "new":
        raise UsageError(f"unknown action: {printable(action)}", "crdtctl remote key new > FILE")
    from crdtctl.sync.keys import KEY_SIZE, Key

    if os.isatty(1):
        raise UsageError("a key is not shown on a terminal", "crdtctl remote key new > FILE")
    made = Key(os.urandom(KEY_SIZE))
    if stat.S_ISREG(os.fstat(1).st_mode):
        os.fchmod(1, 0o600)
    output.stdout.line(f"# The key {made.id} of a private remote. It lets its owner read and write there.")
    output.stdout.line(made.text())


@command(
    Argument("name", "NAME", "Name of the remote.", required=True),
    KEY,
    KEY_COMMAND,
    Flag("finish", help="Forget the former keys. Status 1 if an object there still has one of them."),
    Option("timeout", metavar="DURATION", kind=duration, default=60.0, help="Time limit of --finish. Default: 1m."),
    statuses=(1, 69, 78, *WRITES),
)
def rekey(context: Context, name: str, key: str | None, key_command: str | None, finish: bool, timeout: float) -> None:
    """Set another key for a remote, or the first one.

    \b
    EXAMPLES:
      crdtctl remote key new > new.key
      crdtctl remote rekey office --key new.key
      crdtctl remote rekey office --finish

    The next sync puts this replica's object with the new key, then deletes the old one. Objects with the former keys
    are still read. So the replicas of a group can get the new key in any order. Those without it continue to sync with
    each other, with status 3. When all have it, --finish forgets the former keys. A key can also be set for a remote
    with plain objects; see 'crdtctl help private'.
    """
    replica = session(context).open()
    sources = _sources(key, key_command)
    if finish == bool(sources):
        raise UsageError("give the new key, or --finish", f"crdtctl remote rekey {printable(name)} --key FILE")
    settings = replica.remote_settings().get(name)
    before = list(settings.keys) if settings else []
    if not finish:
        if before[:1] != sources:
            replica.set_remote_keys(name, [*sources, *(source for source in before if source not in sources)])
        return
    if len(before) > 1:
        from crdtctl.sync.kept_files import directory
        from crdtctl.sync.remote_check import former_objects
        from crdtctl.sync.remotes import named_remotes
        from crdtctl.sync.transport import Deadline

        with exit_on_signal():
            left = former_objects(named_remotes(replica, [name])[0], Deadline(timeout), directory(replica.path))
        if left:
            raise AnswerIsNo(
                f"{left} object{' has' if left == 1 else 's have'} a former key of {name}, so the keys were kept",
                f"their replicas need the new key: crdtctl remote rekey {name} --key FILE",
            )
        replica.set_remote_keys(name, before[:1])


@command(FORM, statuses=(78, *READS))
def list_(context: Context, form: str | None) -> None:
    """List the remotes.

    \b
    EXAMPLES:
      crdtctl remote list
      crdtctl remote list --format json

    A remote with a credential in its URL, or with another fault, is not shown; the status is then 78. A private remote
    has a third column.
    """
    from crdtctl.sync.remotes import configured
    from crdtctl.sync.schemes import redacted

    chosen = output.resolve_format(form)
    replica = session(context).open()
    known = replica.remote_settings()
    items = [
        {
            "name": name,
            "url": redacted(one.url),
            "only": one.only or None,
            "keep_old": one.keep_old,
            "private": bool(one.keys),
        }
        for name, one in known.items()
    ]
    has_limits = any(item["only"] or item["keep_old"] or item["private"] for item in items)
    columns = ("name", "url", "limits") if has_limits else ("name", "url")

    def row(item: Item) -> list[list[object]]:
        words = (item["only"], "keep-old" if item["keep_old"] else None, "private" if item["private"] else None)
        return [[item["name"], item["url"], " ".join(filter(None, words))][: len(columns)]]

    output.print_report(Report("remotes", columns, items, row), chosen)
    for name, one in known.items():
        configured(name, one)


@command(
    Argument("remotes", "[REMOTE]...", "Names or URLs. Default: all remotes.", repeated=True),
    Option(
        "timeout",
        metavar="DURATION",
        kind=duration,
        default=60.0,
        help="Time limit for each remote. Default: 1m.",
    ),
    FORM,
    statuses=(1, 78, *READS),
)
def check(context: Context, remotes: list[str], timeout: float, form: str | None) -> None:
    """Check whether remotes can be reached, written and read.

    \b
    EXAMPLES:
      crdtctl remote check
      crdtctl remote check hub /media/stick/counts

    Uploads, reads and deletes a small file of its own at each remote, and reports whether an interrupted upload leaves
    anything there. A remote with --pull or --keep-old is only listed. Ends with status 1 if anything does not work.
    """
    from crdtctl.sync.kept_files import directory
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
            for found in check_remote(one, Deadline(timeout), place)
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


@command(
    statuses=(1, *READS, *WRITES),
    commands=(add, remove, list_, check, key, rekey),
    aliases={"rm": "remove", "del": "remove", "delete": "remove", "ls": "list"},
)
def remote(context: Context) -> None:
    """List, add, check and remove remotes, and set their keys.

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
    list_.run(context, context.of(FORMAT))
