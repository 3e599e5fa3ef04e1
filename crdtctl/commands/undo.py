"""``crdtctl undo``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.amounts import amount, is_amount
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.options import FORM
from crdtctl.cli.verb import is_typed, session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.context import Context
    from crdtctl.store.last import Effect


@command(
    Argument("commit", "[COMMIT]", "Number of the commit in the journal of counts. Default: the last one."),
    Flag(
        "listed",
        "--list",
        variable="CRDTCTL_UNDO_LIST",
        help="List the commits in the journal of counts, and whether they were taken back.",
    ),
    Flag("dry_run", help="Show what would be taken back, and change nothing."),
    FORM,
    statuses=(4, *WRITES),
)
def undo(context: Context, commit: str | None, listed: bool, dry_run: bool, form: str | None) -> None:
    """Take back the last commit of this replica.

    \b
    EXAMPLES:
      crdtctl undo
      crdtctl undo --dry-run
      crdtctl undo --list
      crdtctl undo 17

    A further commit counts the opposite, so the total is right on every replica that receives both. Amounts of a
    pncounter or a bcounter can be taken back. Refused, with the reason, are a gcounter, which only grows, elements of
    a set, readings, amounts under a --once key, resets, and an undo itself.

    The last commit is always known. Earlier ones are in the journal of counts, if this replica keeps one: see
    'crdtctl help undo'.
    """
    if listed:
        if commit is not None or dry_run:
            raise UsageError("--list cannot be combined with COMMIT or --dry-run")
        from crdtctl.cli.counts import print_counts

        print_counts(session(context).open_to_read(), (), None, form)
        return
    if is_typed(context, "form") and not dry_run:
        raise UsageError("--format works only with --list or --dry-run", "leave it out")
    number = None if commit is None else _number(commit)
    talks = output.is_talkative()
    replica = session(context).open_to_count(begins=False)
    done, made = replica.undo(number, dry_run=dry_run, details=talks)
    if dry_run:
        output.print_report(_planned(done), output.resolve_format(form))
        return
    output.stdout.applied = made.seq is not None
    for note in made.notes:
        output.print_message(note)
    if talks:
        output.print_changes([(change.name, change.before, change.after) for change in made.changes], len(made.changes))


def _number(text: str) -> int:
    number = amount(text) if is_amount(text) else 0
    if not number:
        raise UsageError(f"'{printable(text)}' is not the number of a commit", "see 'crdtctl undo --list'")
    return number


def _planned(done: Sequence[Effect]) -> output.Report:
    """Return a report of the counts that an undo would make."""
    items = [{"name": one.name, "amount": -one.amount} for one in done]
    return output.Report("counts", ("name", "amount"), items, lambda item: [(item["name"], f"{item['amount']:+d}")])
