"""The fast path: plain forms of the commands that scripts call most, before anything heavy is imported.

    increment NAME [AMOUNT]          (inc)
    increment NAME=AMOUNT...
    decrement ...                    (dec)
    add NAME ELEMENT...
    show [NAME] [--format FORMAT]    (-f)
    show NAME --by-replica
    show NAME --min N --max N --type TYPE --default N --sort ORDER --top N --exact
    clock

Each may have ``--replica PATH`` anywhere. Counts may have ``--once KEY``, and labels: ``--label KEY=VALUE``, or those
in the spelling of a series. The fast path either does the whole job, or changes nothing and declines, and then the full
command runs. It accepts only plain names and plain files (`crdtctl.codec.plain`). Any failure before the rename is
declined too: the full command meets it again, and reports it. A test runs both with the same arguments and files, and
compares exit status, output and every file.
"""

from crdtctl.store import durable, locate
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.fastpath.commit import Edit

#: Verb → place of the total that it raises.
COLUMNS = {"increment": 0, "inc": 0, "decrement": 1, "dec": 1}
#: The options of ``show``, which follow the name.
SHOWN = (
    *("--by-replica", "--format", "-f", "--type", "-t"),
    *("--min", "--max", "--default", "--sort", "--top", "--exact"),
)


def run(arguments: list[str]) -> int | None:
    """Do the job of a plain command line and return its exit status; None if the full command has to run."""
    for variable in os.environ:
        if variable.startswith(("CRDTCTL_", "_CRDTCTL_")) and variable != locate.VARIABLE:
            return None
    try:
        words, options = _split(arguments)
        where, key = options.get("--replica"), options.get("--once", "").encode()
        if words[0] == "show":
            if key or any(word[:1] == "-" and word.partition("=")[0] not in SHOWN for word in words[1:]):
                return None
            from crdtctl.fastpath.showing import show

            return show(words[1:], where)
        if words == ["clock"] and not key:
            from crdtctl.fastpath.clocks import clock

            return clock(where)
        if os.isatty(1):
            return None  # the new values are printed
        edits: Sequence[Edit]
        if words[0] in COLUMNS:
            from crdtctl.fastpath import counts

            text = " ".join(words)
            if "{" in text or " -l" in text or " --label" in text:
                edits, where = counts.of_series(arguments, COLUMNS)
            else:
                edits = counts.of_names(words[1:], COLUMNS[words[0]], key)
        elif words[0] == "add" and not key:
            from crdtctl.fastpath.elements import addition

            edits = [addition(words[1:])]
        else:
            return None
        from crdtctl.fastpath.commit import commit

        return commit(edits, where)
    except (OSError, LookupError, ValueError, durable.NotApplied):
        pass
    return None


def _split(arguments: "Sequence[str]") -> tuple[list[str], dict[str, str]]:
    """Return the words of a command line, and the options that are known here. Raise ValueError for a special one."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in ("--replica", "--once"):
            words.append(word)
            continue
        if not equals:
            value = next(rest, "")
        is_early = option == "--once" and not words  # it belongs after the verb
        if not value or value[0] == "-" or option in options or is_early:
            raise ValueError
        options[option] = value
    return words, options
