"""``crdtctl git``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.everywhere import FORMAT
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.errors import AnswerIsNo, CrdtctlError, UsageError, from_os, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.cli.git_settings import Change

_GLOBAL = Flag("is_global", "--global", help="Change the configuration of the user instead of that of the repository.")


@command(
    Argument("patterns", "[PATTERN]...", "Patterns of state files, as in .gitattributes.", repeated=True),
    _GLOBAL,
    FORM,
    statuses=(4, *READS),
)
def install(context: Context, patterns: list[str], is_global: bool, form: str | None) -> None:
    """Let git join state files in merges, and show their values in diffs.

    \b
    EXAMPLES:
      crdtctl git install
      crdtctl git install 'counts/*.json'
      crdtctl git install --global

    Sets a merge driver and a textconv in the configuration of the repository, and adds a line to .gitattributes for
    each PATTERN, or else for each state file of the work tree. Commit .gitattributes, and run this once in each clone,
    or once for all with --global, which adds lines only for PATTERNs.
    """
    from crdtctl.cli import git_settings

    _print(context, git_settings.install(patterns, is_global=is_global), form)


@command(_GLOBAL, FORM, statuses=(4, *READS))
def uninstall(context: Context, is_global: bool, form: str | None) -> None:
    """Undo the changes of 'git install'.

    \b
    EXAMPLES:
      crdtctl git uninstall
      crdtctl git uninstall --global

    Removes the settings, and the lines of .gitattributes that name this driver. With --global, only the settings of the
    user are removed.
    """
    from crdtctl.cli import git_settings

    _print(context, git_settings.uninstall(is_global=is_global), form)


@command(FORM, statuses=(1, 4, *READS))
def status(_context: Context, form: str | None) -> None:
    """Show whether git joins the state files of this work tree.

    \b
    EXAMPLES:
      crdtctl git status

    Ends with status 1 if a driver is missing, or if git would merge a state file as text.
    """
    from crdtctl.cli import git_settings

    chosen = output.resolve_format(form)
    found = git_settings.checks()
    items = [one._asdict() for one in found]
    columns = ("what", "verdict", "found")
    rows = Report(
        "checks", columns, items, lambda item: [[item["what"], "ok" if item["ok"] else "FAULT", item["found"]]]
    )
    output.print_report(rows, chosen)
    if not all(one.ok for one in found):
        raise AnswerIsNo("git is not set up for the state files here", "each line above has the next step")


@command(
    Argument("words", "BASE OURS THEIRS [SIZE [PATH]]", "The words that git passes.", repeated=True),
    statuses=(4, *READS),
)
def driver(_context: Context, words: list[str]) -> int | None:
    """Join two versions of a state file, as git's merge driver.

    \b
    EXAMPLES:
      git config merge.crdtctl.driver 'crdtctl git driver -- %O %A %B %L %P'

    git runs this. The join of OURS and THEIRS is written to OURS. If that is not possible, OURS stays as it is, and git
    reports a conflict. Files of other programs are merged as text, by 'git merge-file'.
    """
    from crdtctl.store.inputs import Input
    from crdtctl.store.join_files import is_state, join_files

    if not 3 <= len(words) <= 5:
        raise UsageError("git driver needs BASE OURS THEIRS", "git runs it: crdtctl git install")
    base, ours, theirs = words[:3]
    size, path = (*words[3:], "7", "")[:2] if len(words) < 5 else words[3:]
    name = printable(path or ours)
    try:
        if not is_state(ours) and not is_state(theirs):
            return _merge_text(base, ours, theirs, size)
        text = join_files(Input(f"{name} (ours)", path=ours), Input(f"{name} (theirs)", path=theirs))
        with open(ours, "wb") as file:
            file.write(text)
    except OSError as error:
        raise from_os(error, f"join {name}") from None
    except CrdtctlError as failure:
        failure.message = f"{name} is not merged: {failure.message}"
        side = "take one side with git checkout --ours or --theirs, then git add"
        failure.hint = f"{failure.hint}; {side}" if failure.hint else side
        raise
    return None


def _merge_text(base: str, ours: str, theirs: str, size: str) -> int:
    """Merge files of other programs as git does; return 0, or 1 for a conflict."""
    import subprocess

    labels = ("-L", "ours", "-L", "base", "-L", "theirs")
    done = subprocess.run(
        ["git", "merge-file", "-q", f"--marker-size={size}", *labels, ours, base, theirs], check=False
    )
    return 1 if done.returncode else 0


@command(Argument("file", "FILE", "A state file.", required=True), statuses=READS)
def textconv(_context: Context, file: str) -> None:
    """Print a state file in lines that a diff shows well, as git's textconv.

    \b
    EXAMPLES:
      git config diff.crdtctl.textconv 'crdtctl git textconv --'
      crdtctl git textconv counts/hub.json

    git runs this. There is a line for each replica, with the number of its commits, and one for each counter, with its
    value and type. A file that is not a valid state is printed as it is.
    """
    from crdtctl.cli.workflow import escape_line
    from crdtctl.store.inputs import Input
    from crdtctl.store.join_files import described, is_state

    try:
        lines: list[str] = []
        if is_state(file):
            try:
                lines = list(described(Input(file, path=file)))
            except CrdtctlError as failure:
                output.print_message(failure)
        if lines:
            for line in lines:
                output.stdout.line(escape_line(line) if output.stdout.is_log else line)
            return
        with open(file, "rb") as raw:
            while block := raw.read(2**16):
                output.stdout.write(block)
    except OSError as error:
        raise from_os(error, f"read {printable(file)}") from None


@command(
    statuses=(1, 4, *READS),
    commands=(install, uninstall, status, driver, textconv),
)
def git(context: Context) -> None:
    """Let git join committed state files, and show their values.

    \b
    EXAMPLES:
      crdtctl git install
      crdtctl git status
      crdtctl git uninstall

    Without a subcommand, the status is shown. See 'crdtctl help git'.
    """
    status.run(context, context.of(FORMAT))


def _print(context: Context, changes: list[Change], form: str | None) -> None:
    """Print the changes, on a terminal or with a format."""
    from crdtctl.cli.verb import typed_format

    wanted = typed_format(context, form)
    chosen = output.resolve_format(wanted, default="words" if output.is_talkative() else None)
    if wanted is None and not output.is_talkative():
        return
    if chosen == "words":
        for one in changes:
            output.stdout.line(f"{one.what} {one.where}: {printable(one.text)}")
        if not changes:
            output.stdout.line("nothing to change")
        elif any(one.where == ".gitattributes" for one in changes):
            output.stdout.line("commit .gitattributes, so that other clones have it as well")
        return
    items = [{key: printable(text) for key, text in one._asdict().items()} for one in changes]
    rows = Report("changes", ("what", "where", "text"), items, lambda item: [[*item.values()]])
    output.print_report(rows, chosen)
