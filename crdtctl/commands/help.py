"""``crdtctl help``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.verbs import ALIASES, GROUPS, VERBS
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.cli.context import Context
    from crdtctl.help.blocks import Block


def _words() -> list[tuple[str, str]]:
    """Return the completions of the first word, each with its summary."""
    from crdtctl.help import topics

    return [*VERBS.items(), *((name, topics.summary(name)) for name in topics.NAMES if name not in VERBS)]


@command(Argument("words", "[COMMAND | TOPIC]...", repeated=True, words=_words))
def help(_context: Context, words: list[str]) -> None:  # noqa: A001  # the name of the verb
    """Show the help of a command, or a topic of the manual.

    \b
    EXAMPLES:
      crdtctl help
      crdtctl help show
      crdtctl help remote add
      crdtctl help cron
      crdtctl help exit-status

    Without a word, it lists the commands and the topics. 'crdtctl help COMMAND' shows the same as
    'crdtctl COMMAND --help'. On a terminal, a long text goes through the pager in the variable PAGER; PAGER=cat
    turns that off.
    """
    from crdtctl.help import topics

    match words:
        case [] | ["topics"]:
            _show("", _overview())
        case [word] if word in topics.NAMES:
            usage = _usage([word]) if word in VERBS else ""  # 'reset' is a command and a topic
            _show(usage, f"# {word}: {topics.summary(word)}\n\n{topics.text(word)}")
        case [word, *_] as path:
            known = [*VERBS, *ALIASES, *topics.NAMES]
            if word not in known and len(path) == 1:
                _refuse(word, known)
            _show(_usage(path), "")
        case _:  # a list is empty or has a first word
            pass


def _overview() -> str:
    """Return the page that lists the commands and the topics."""
    from crdtctl.help import topics

    commands = [(title, list(verbs.items())) for title, verbs in GROUPS.items()]
    pages = [(title, [(name, topics.summary(name)) for name in names]) for title, names in topics.GROUPS.items()]
    lines = ["`crdtctl help COMMAND` shows the options of a command, `crdtctl help TOPIC` a page of the manual.\n"]
    width = max(len(name) for _, group in (*commands, *pages) for name, _ in group)
    for title, group in (*commands, *pages):
        rows = (f"{name:<{width}}  {line}" for name, line in group)
        lines.append("\n".join([f"## {title}", "", "```", *rows, "```", ""]))
    return "\n".join(lines)


def _usage(words: list[str]) -> str:
    """Return the help of a command; raise `UsageError` for an unknown one."""
    from crdtctl.cli.app import help_of

    return help_of(words)


def _refuse(word: str, known: list[str]) -> None:
    """Raise `UsageError` for a word that is neither a command nor a topic, with a suggestion."""
    from crdtctl.suggestions import did_you_mean

    message = f"unknown command or topic '{printable(word[:40])}'"
    guess = did_you_mean(word, known)
    if not guess:
        try:
            _usage([word])  # a word that other programs have for a command
        except UsageError as failure:
            guess = "" if "--help" in failure.hint else failure.hint
    raise UsageError(message, guess or "'crdtctl help' lists both")


def _show(usage: str, text: str) -> None:
    """Print the help of a command and a page in Markdown, through the pager if that is wanted."""
    from crdtctl.help import pager

    lines = usage.splitlines()
    if text:
        from crdtctl.help.blocks import blocks

        lines += [*([""] if lines else []), *_page(blocks(text), output.width_of(1))]
    whole = "".join(f"{line}\n" for line in lines)
    command = pager.pager(len(lines))
    if command is None or not pager.through(command, whole):
        output.stdout.write(whole.encode("utf-8", "backslashreplace"))


def _page(found: Iterable[Block], width: int) -> list[str]:
    if output.is_terminal():
        from crdtctl.help import pager, terminal_page

        return terminal_page.page(found, width, colour=output.has_colour() and pager.keeps_colours())
    from crdtctl.help.page import page

    return page(found, width)
