"""The small reader of the command line: it reads every ordinary line, and declines the others.

It declines a line that asks for help, and a line with a part that is unknown, missing or wrong. The other reader, made
by `line` from the same grammar, answers then. Both understand a line alike, which a property of the tests holds.
"""

from __future__ import annotations

from crdtctl.cli.context import Context
from crdtctl.cli.everywhere import EVERYWHERE, FORMAT, FULL, HEADER, JSON, READING
from crdtctl.cli.grammar import PREFIX, Flag, variable_of
from crdtctl.cli.verbs import load
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeAlias

    from crdtctl.cli.grammar import Command, Option

    #: Name on the line → its option, and the value that the name alone means; `_TAKES` if the value follows.
    Table: TypeAlias = dict[str, tuple[Option, object]]

#: Marks an option whose value follows.
_TAKES = object()


class _Declined(Exception):
    """The other reader has to read this line."""


def read(words: Sequence[str]) -> Context | None:
    """Return the command line, read; None if the other reader has to read it."""
    line: dict[str, Any] = {}
    try:
        rest = _before(words, line)
        command = load(rest[0]) if rest else None
        if command is None:
            return None
        path = f"{PREFIX}_{command.name.upper()}"
        if command.commands:
            rest = _before(rest[1:], line)
            if not rest:
                return Context(command, {}, everywhere=line)
            command = command.commands.get(command.aliases.get(rest[0], rest[0]))
            if command is None:
                return None
            path = f"{path}_{command.name.upper()}"
        return _read(command, path, rest[1:], line)
    except (_Declined, ValueError):
        return None


def _before(words: Sequence[str], line: dict[str, Any]) -> Sequence[str]:
    """Read the options before the name of a command into `line`; return the name and the words after it."""
    table = _table([FORMAT, *READING, *EVERYWHERE], FORMAT)
    found, rest = _scan(words, table, interspersed=False)
    line.update({option.name: _value(option, word) for option, word in found.items()})
    return rest


def _read(command: Command, path: str, words: Sequence[str], line: dict[str, Any]) -> Context:
    form = command.form
    everywhere = [*READING, *EVERYWHERE] if command.reads else EVERYWHERE
    found, places = _scan(words, _table([*command.options, *everywhere], form), interspersed=command.interspersed)
    if (FORMAT.name in line and form is None) or (not command.reads and (HEADER.name in line or FULL.name in line)):
        raise _Declined
    if form is not None and FORMAT.name in line:
        found.setdefault(form, line[FORMAT.name])
    values: dict[str, Any] = {}
    typed: set[str] = set()
    variables: dict[str, str] = {}
    _place(command, places, values, typed)
    for option in command.options:
        name = option.name
        if option in found:
            values[name] = _value(option, found[option])
            typed.add(name)
        elif variable := variable_of(option, path, os.environ):
            word = os.environ[variable]
            values[name] = _value(option, [word]) if option.repeated else option.kind(word)
            variables[name] = variable
        elif option.required:
            raise _Declined
        else:
            values[name] = [] if option.repeated else option.default
    line.update({option.name: _value(option, found[option]) for option in everywhere if option in found})
    return Context(command, values, typed=typed, variables=variables, everywhere=line)


def _place(command: Command, places: Sequence[str], values: dict[str, Any], typed: set[str]) -> None:
    """Give the words without an option to the arguments, in order."""
    at = 0
    for argument in command.arguments:
        mine = places[at:] if argument.repeated else places[at : at + 1]
        at += len(mine)
        if mine:
            typed.add(argument.name)
        elif argument.required:
            raise _Declined
        values[argument.name] = [*mine] if argument.repeated else mine[0] if mine else None
    if at < len(places):
        raise _Declined


def _table(options: Iterable[Option], form: Option | None) -> Table:
    table: Table = {}
    for option in options:
        for name in option.names:
            table[name] = (option, True if option.is_flag else _TAKES)
        if isinstance(option, Flag):
            for name in option.off:
                table[name] = (option, False)
    if form is not None:
        table[JSON] = (form, "json")
    return table


def _value(option: Option, word: Any) -> Any:
    if option.repeated:
        return [option.kind(one) for one in word]
    return word if option.is_flag else option.kind(word)


def _scan(words: Sequence[str], table: Table, *, interspersed: bool) -> tuple[dict[Option, Any], Sequence[str]]:
    """Return the words of the options, and the words without one; raise `_Declined`.

    Options end at ``--``, and at the first word without an option unless they are `interspersed`.
    """
    found: dict[Option, Any] = {}
    places: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            return found, [*places, *words[at:]]
        if word[:1] != "-" or len(word) == 1:
            if not interspersed:
                return found, words[at - 1 :]
            places.append(word)
            continue
        if word[:2] == "--":
            name, equals, text = word.partition("=")
            pieces = [(name, text if equals else None)]
        else:
            pieces = _letters(word, table)
        for name, attached in pieces:
            if name not in table:
                raise _Declined
            option, meant = table[name]
            if meant is not _TAKES:
                if attached is not None:
                    raise _Declined
                found[option] = meant
                continue
            if attached is None:
                if at == len(words):
                    raise _Declined
                attached = words[at]
                at += 1
            if option.repeated:
                found.setdefault(option, []).append(attached)
            else:
                found[option] = attached
    return found, places


def _letters(word: str, table: Table) -> list[tuple[str, str | None]]:
    """Return the options of a word such as ``-qv`` or ``-ojson``, each with its value if that is in the word."""
    pieces: list[tuple[str, str | None]] = []
    for place in range(1, len(word)):
        name = f"-{word[place]}"
        if name in table and table[name][1] is _TAKES:
            pieces.append((name, word[place + 1 :] or None))
            break
        pieces.append((name, None))
    return pieces
