"""The possible next words of an unfinished command line, for the completion scripts of the shells.

Completion reads the replica that the line names, and writes nothing. If anything is wrong, it offers no words.
"""

from __future__ import annotations

from itertools import islice

from crdtctl.cli.everywhere import EVERYWHERE, JSON, READING
from crdtctl.cli.grammar import Flag, Option
from crdtctl.cli.options import FORMATS, REPORTS, SHOWN
from crdtctl.cli.verbs import ALIASES, VERBS, load
from crdtctl.contexts import suppress
from crdtctl.errors import printable
from crdtctl.store import which
from crdtctl.store.reader import Reader
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.cli.grammar import Argument, Command

    Words = Iterable[tuple[str, str]]
else:
    from crdtctl import patterns as re

#: Maximum number of words to offer.
_MOST = 1000
#: Maximum number of counters whose values are read.
_WITH_VALUES = 50
#: Placeholders of arguments and options that are files.
_FILES = frozenset({"FILE", "PATH", "REMOTE", "URL", "-- COMMAND ARGUMENT"})
_SPECIAL = re.compile(r"[^\w@%+=:,./~-]")

#: Options outside of the grammar.
_ALSO = (Flag("help", "--help", "-h", help="Show this message and exit."),)
_VERSION = Flag("version", "--version", "-V", help="Print the version and exit.")
_JSON = Flag("json", JSON, help="Short for --format json.")


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
    command: Command | None = None
    path = ""
    replica: str | None = None
    position, rest, ended = 0, list(words), False
    while rest:
        word = rest.pop(0)
        if word == "--" and not ended:
            ended = True
        elif word.startswith("-") and len(word) > 1 and not ended:
            name, _, value = word.partition("=")
            option = _option(command, name)
            if option is not None and not option.is_flag and "=" not in word:
                if not rest:
                    return _values(option, path, replica, current)
                value = rest.pop(0)
            replica = value if name == "--replica" else replica
        elif command is None or command.commands:
            command = load(word) if command is None else command.commands.get(command.aliases.get(word, word))
            if command is None:
                return "words", ()
            path = f"{path} {ALIASES.get(command.name, command.name)}".strip()
        else:
            position += 1
    if current.startswith("-") and not ended:
        name, equals, value = current.partition("=")
        option = _option(command, name) if equals else None
        if option is not None:
            return _values(option, path, replica, value, f"{name}=")
        return "words", _names_of_options(command)
    if command is None:
        return "words", VERBS.items()
    if command.commands:
        return "words", ((one.name, _summary(one)) for one in command.commands.values())
    places = command.arguments
    if not places or (position >= len(places) and not places[-1].repeated):
        return "words", ()
    return _values(places[min(position, len(places) - 1)], path, replica, current, position=position)


def _options(command: Command | None) -> list[Option]:
    """Return the options of a command, or those before the name of any command."""
    if command is None:
        return [_VERSION, *EVERYWHERE, *_ALSO]
    return [*command.options, *((_JSON, *READING) if command.reads else ()), *EVERYWHERE, *_ALSO]


def _names(option: Option) -> Sequence[str]:
    return (*option.names, *(option.off if isinstance(option, Flag) else ()))


def _option(command: Command | None, name: str) -> Option | None:
    return next((one for one in _options(command) if name in _names(one)), None)


def _names_of_options(command: Command | None) -> Iterator[tuple[str, str]]:
    for one in _options(command):
        if not one.hidden:
            about = one.help if isinstance(one.help, str) else one.help()
            yield from ((name, about) for name in _names(one))


def _summary(command: Command) -> str:
    return (command.run.__doc__ or "").strip().partition("\n")[0]


def _values(
    parameter: Argument | Option, path: str, replica: str | None, current: str, before: str = "", *, position: int = 0
) -> tuple[str, Words]:
    """Return the kind of the values of an option or an argument, and the known values, each with `before` before it."""
    is_option = isinstance(parameter, Option)
    placeholder = parameter.metavar
    for one in "[].":
        placeholder = placeholder.replace(one, "")
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
            from crdtctl.cli.scripts import SCRIPTS

            found = ((shell, "") for shell in SCRIPTS)
        case "COMMAND | TOPIC":
            words = None if isinstance(parameter, Option) else parameter.words
            found = words() if words is not None and position == 0 else ()
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
        case "KEY=VALUE" | "KEY,":
            found = _labels(replica, current, with_values=placeholder == "KEY=VALUE")
        case "ID" | "TO" | "FROM" | "OLD":
            found = _ids(replica)
        case _:  # no values are known
            pass
    return kind, ((f"{before}{word}", about) for word, about in found)


def _opened(replica: str | None) -> Reader:
    return Reader(which.find(replica or None, []))


def _counters(replica: str | None, current: str) -> Iterator[tuple[str, str]]:
    """Yield the names that begin with the current word; behind an opening brace, the series. Few have a value."""
    from crdtctl.crdt.glob import quoted
    from crdtctl.store.names import names_from

    name, brace, _ = current.partition("{")
    with _opened(replica).snapshot() as now:
        if not brace:
            names = names_from(now, name, _MOST)
            if len(names) > _WITH_VALUES:
                yield from ((one, "") for one in names)
                return
        for total in now.select(quoted(name) + ("" if brace else "*"), each=bool(brace)):
            yield total.spelling, f"{total.value} ({total.tag})"


def _labels(replica: str | None, current: str, *, with_values: bool) -> Iterator[tuple[str, str]]:
    """Yield the keys of labels; with values, ``KEY=`` or, behind a key, ``KEY=VALUE``. Keys may follow a comma."""
    from crdtctl.store.names import labels

    before, comma, _ = current.rpartition(",") if not with_values else ("", "", "")
    key, equals, _ = current.partition("=")
    with _opened(replica).snapshot() as now:
        found = labels(now)
    if with_values and equals:
        yield from ((f"{key}={value}", "") for value in sorted(found.get(key, ())))
        return
    for one in sorted(found):
        number = len(found[one])
        yield f"{before}{comma}{one}{'=' if with_values else ''}", f"{number} value{'' if number == 1 else 's'}"


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
