"""The possible next words of an unfinished command line, for the completion scripts of the shells.

Completion reads the replica that the line names, and writes nothing. If anything is wrong, it offers no words.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from crdtctl.cli.app import app
from crdtctl.cli.line import summary
from crdtctl.cli.options import FORMATS, REPORTS, SHOWN
from crdtctl.cli.verbs import VERBS
from crdtctl.contexts import suppress
from crdtctl.errors import printable
from crdtctl.store import which
from crdtctl.store.replica import Replica

VARIABLE: Final = "_CRDTCTL_COMPLETE"
#: Maximum number of words to offer.
_MOST: Final = 1000
#: Placeholders of arguments and options that are files.
_FILES: Final = frozenset({"FILE", "PATH", "REMOTE", "URL", "-- COMMAND ARGUMENT"})
_SPECIAL = re.compile(r"[^\w@%+=:,./~-]")

Words = Iterable[tuple[str, str]]


def answer(shell: str, arguments: Sequence[str]) -> bytes:
    """Return the answer for the script of a shell: the kind of words on the first line, then one word a line."""
    if shell == "bash":
        words, current, opening, quote = _split(arguments[0] if arguments else "")
    else:
        words, current, opening, quote = [*arguments[:-1]], arguments[-1] if arguments else "", "", ""
    kind, found = "words", list[tuple[str, str]]()
    with suppress(Exception):  # a shell cannot show an error during completion
        kind, candidates = candidates_for(words, current)
        found = list(islice(((word, about) for word, about in candidates if word.startswith(current)), _MOST))
    if kind == "words" and len(found) == 1 and found[0][0].endswith("="):
        kind = "open"
    lines = (_shown(shell, word, about, opening, quote) for word, about in found)
    return "".join(f"{line}\n" for line in (kind, *lines)).encode("utf-8", "surrogateescape")


def candidates_for(words: Sequence[str], current: str) -> tuple[str, Words]:
    """Return the kind, 'files' or 'words', and the words that may continue `current`, after the complete `words`."""
    command: Any = app
    context = command.make_context("crdtctl", [], resilient_parsing=True)
    replica: str | None = None
    position, rest, ended = 0, list(words), False
    while rest:
        word = rest.pop(0)
        if word == "--" and not ended:
            ended = True
        elif word.startswith("-") and len(word) > 1 and not ended:
            option, _, value = word.partition("=")
            parameter = _option(command, context, option)
            if parameter is not None and not parameter.is_flag and "=" not in word:
                if not rest:
                    return _values(parameter, context, replica, current)
                value = rest.pop(0)
            replica = value if option == "--replica" else replica
        elif hasattr(command, "get_command"):
            name = command.aliases.get(word, word)
            command = command.get_command(context, name)
            if command is None:
                return "words", ()
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
        else:
            position += 1
    if current.startswith("-") and not ended:
        name, equals, value = current.partition("=")
        parameter = _option(command, context, name) if equals else None
        if parameter is not None:
            return _values(parameter, context, replica, value, f"{name}=")
        return "words", _options(command, context)
    if hasattr(command, "get_command"):
        return "words", _commands(command, context)
    places = [one for one in command.params if one.param_type_name == "argument"]
    if not places or (position >= len(places) and places[-1].nargs != -1):
        return "words", ()
    return _values(places[min(position, len(places) - 1)], context, replica, current, position=position)


def _option(command: Any, context: Any, name: str) -> Any:
    for one in command.get_params(context):
        if one.param_type_name == "option" and name in (*one.opts, *one.secondary_opts):
            return one
    return None


def _options(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    for one in command.get_params(context):
        if one.param_type_name == "option" and not one.hidden:
            for name in (*one.opts, *one.secondary_opts):
                yield name, one.help or ""


def _commands(group: Any, context: Any) -> Iterator[tuple[str, str]]:
    for name in group.list_commands(context):
        yield name, VERBS[name] if context.parent is None else summary(group.get_command(context, name))


def _values(
    parameter: Any, context: Any, replica: str | None, current: str, before: str = "", *, position: int = 0
) -> tuple[str, Words]:
    """Return the kind of the values of an option or an argument, and the known values, each with `before` before it."""
    is_option = parameter.param_type_name == "option"
    placeholder = re.sub(r"[\[\].]", "", parameter.metavar or "")
    path = context.command_path.removeprefix("crdtctl ")
    kind = "files" if placeholder in _FILES else "words"
    found: Words = ()
    match placeholder:
        case "TYPE":
            from crdtctl.crdt import TYPES

            found = ((tag, type_.summary) for tag, type_ in TYPES.items())
        case "FORMAT":
            own = {"show": SHOWN, "export": ("json", "toml"), "report": REPORTS}
            found = ((form, "") for form in own.get(path, FORMATS))
        case "SHELL":
            found = ((shell, "") for shell in ("bash", "zsh", "fish"))
        case "COMMAND | TOPIC":
            found = parameter.declared.words() if position == 0 else ()
        case "REMOTE":
            found = _remotes(replica)
        case "NAME" if path == "remote remove":
            found = _remotes(replica)
        case "OLD" | "NEW" if path == "rename":
            found = _counters(replica, current)
        case "NAME" if not is_option and path not in ("remote add", "create"):
            found = _counters(replica, current)
        case "NAME AMOUNT | NAME=AMOUNT" if position == 0:
            found = _counters(replica, current)
        case "ID" | "TO" | "FROM" | "OLD":
            found = _ids(replica)
        case _:  # no values are known
            pass
    return kind, ((f"{before}{word}", about) for word, about in found)


def _opened(replica: str | None) -> Replica:
    return Replica(which.find(replica or None, []))


def _counters(replica: str | None, current: str) -> Iterator[tuple[str, str]]:
    """Yield the names that begin with the current word; behind an opening brace, the series."""
    from crdtctl.crdt.glob import quoted

    name, brace, _ = current.partition("{")
    found = _opened(replica).select(quoted(name) + ("" if brace else "*"), each=bool(brace))
    for total in found:
        yield total.spelling, f"{total.value} ({total.tag})"


def _remotes(replica: str | None) -> Iterator[tuple[str, str]]:
    from crdtctl.sync.schemes import redacted

    for name, url in _opened(replica).remotes().items():
        yield name, redacted(url)


def _ids(replica: str | None) -> Iterator[tuple[str, str]]:
    here = _opened(replica)
    heard = here.heard()
    for author in sorted({here.id, *here.clock()}):
        yield (
            author,
            "this replica"
            if author == here.id
            else f"last commits arrived {heard[author]}"
            if author in heard
            else "another replica",
        )


def _shown(shell: str, word: str, about: str, opening: str, quote: str) -> str:
    """Return a word in the format of a shell's script."""
    about = printable(" ".join(about.split()))
    if shell == "zsh":
        plain = word.replace("\\", "\\\\").replace(":", "\\:")
        return f"{plain}:{about}" if about else plain
    if shell == "fish":
        return f"{word}\t{about}" if about else word
    text = word if quote else _SPECIAL.sub(lambda found: f"\\{found[0]}", word)
    return text.removeprefix(opening)


def _split(line: str) -> tuple[list[str], str, str, str]:
    """Split a line of bash: words after the program, the unfinished word, the part that bash keeps of it, its quote.

    Outside of quotes, bash treats a character of COMP_WORDBREAKS, for example ':', as the beginning of another word.
    """
    words: list[str] = []
    word, begun, quote, start, i = "", False, "", 0, 0
    while i < len(line):
        letter = line[i]
        if quote:
            if letter == quote:
                quote = ""
            elif letter == "\\" and quote == '"' and line[i + 1 : i + 2] in ('"', "\\", "$", "`"):
                i += 1
                word += line[i]
            else:
                word += letter
        elif letter in " \t\n":
            if begun:
                words.append(word)
            word, begun, start = "", False, i + 1
            i += 1
            continue
        elif letter in "'\"":
            quote = letter
        elif letter == "\\":
            i += 1
            word += line[i : i + 1]
        else:
            word += letter
        begun = True
        i += 1
    breaks = os.environ.get("_CRDTCTL_BREAKS", "")
    raw = line[start:]
    last = max((raw.rfind(one) for one in ":=" if one in breaks), default=-1)
    opening = "" if quote else raw[: last + 1]
    return words[1:], word, opening, quote
