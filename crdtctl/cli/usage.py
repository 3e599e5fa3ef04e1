"""Explains errors in a command line, and suggests a correction. Loaded only if there is an error."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from crdtctl.errors import UsageError, printable
from crdtctl.suggestions import did_you_mean

#: Names of commands in other programs → commands of this program.
_SYNONYMS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("get", "list", "ls", "cat", "print", "display", "view", "read", "value", "total", "totals", "counters"), "show"
    ),
    **dict.fromkeys(("incr", "increase", "count", "up", "plus", "add-one", "bump", "inc-by", "incrby"), "increment"),
    **dict.fromkeys(("decr", "decrease", "down", "minus", "decrby", "subtract", "sub"), "decrement"),
    **dict.fromkeys(("import", "load", "receive", "join"), "merge"),
    **dict.fromkeys(("dump", "save", "send", "backup"), "export"),
    **dict.fromkeys(("pull", "push", "fetch", "synchronize", "synchronise", "meet"), "sync"),
    **dict.fromkeys(("remotes",), "remote"),
    **dict.fromkeys(("new", "make", "declare", "define"), "create"),
    **dict.fromkeys(("initialize", "initialise", "setup"), "init"),
    **dict.fromkeys(("history", "events"), "log"),
    **dict.fromkeys(("verify", "fsck", "validate"), "check"),
    **dict.fromkeys(("diff", "cmp"), "compare"),
    **dict.fromkeys(("info", "whoami", "st"), "status"),
    **dict.fromkeys(("exec",), "run"),
    **dict.fromkeys(("completions",), "completion"),
    **dict.fromkeys(("man", "usage", "--h", "-help"), "help"),
    **dict.fromkeys(("give", "move"), "transfer"),
    **dict.fromkeys(("ask",), "request"),
}
#: Names of commands in other programs → advice, if no single command fits.
_ADVICE: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("rm", "delete", "del", "remove", "drop"),
        "counters cannot be deleted; 'crdtctl reset NAME' starts one over",
    ),
    "set": "counters cannot be set: 'crdtctl increment NAME AMOUNT', perhaps after 'crdtctl reset NAME'",
    **dict.fromkeys(("version", "ver"), "use 'crdtctl --version'"),
    **dict.fromkeys(("zero", "clear"), "'crdtctl reset NAME' starts a counter over"),
    **dict.fromkeys(("commit", "ci", "add-all", "stage"), "every command that counts makes its own commit"),
    "revert": "'crdtctl undo' takes the last commit back",
    "clone": "create a replica with 'crdtctl init', then 'crdtctl sync' or 'crdtctl merge FILE'",
    "config": "edit config.toml in the replica's directory; for remotes see 'crdtctl remote --help'",
    "type": "'crdtctl create NAME --type TYPE' creates a counter of a type",
}
#: Other names for the commands below 'crdtctl remote'.
_BELOW: Final[dict[str, str]] = {"test": "check", "ping": "check", "verify": "check", "new": "add", "show": "list"}
#: Commands that cannot be undone are never suggested for another word.
_DANGEROUS: Final = frozenset({"reset", "seal", "absorb", "settle"})
#: Options of other programs → options of this program.
_OPTIONS: Final[dict[str, str]] = {
    "-o": "--format",
    "--output": "--format",
    "--out": "--format",
    "-r": "--replica",
    "--repo": "--replica",
    "--dir": "--replica",
    "--directory": "--replica",
    "-C": "--replica",
    "--key": "--once",
    "--idempotency-key": "--once",
    "--silent": "--quiet",
    "--debug": "--verbose",
    "--maximum": "--max",
    "--minimum": "--min",
    "--file": "--batch",
    "--elements": "--members",
    "--replicas": "--by-replica",
    "--wait": "--lock-timeout",
    "-l": "--where",
    "--label": "--where",
}
#: Command → advice about an unexpected argument.
_EXTRA: Final[dict[str, str]] = {
    "export": "to write a file: crdtctl export -o {}",
    "log": "for the last N events: crdtctl log -n {}",
    "create": "the type of a counter follows --type: crdtctl create NAME --type {}",
    "decrement": "write several counters as NAME=AMOUNT",
    "compare": "compare one FILE at a time",
    "status": "to show a counter: crdtctl show {}",
    "seal": "to seal another replica: crdtctl --replica {} seal",
}


def no_command(context: Any, word: str, rest: Sequence[str], group: Any) -> UsageError:
    """Return the failure for an unknown command."""
    path = context.command_path
    known = [name for name in [*group.list_commands(context), *group.aliases] if name not in _DANGEROUS]
    synonyms, advice = (_SYNONYMS, _ADVICE) if context.parent is None else (_BELOW, {})
    plain = word.lower()
    message = f"unknown command '{printable(word[:40])}'"
    if plain in advice:
        return UsageError(message, advice[plain])
    meant = synonyms.get(plain)
    if meant is not None:
        return UsageError(message, f"use '{path} {meant}'")
    guess = did_you_mean(word, known)
    following = next((one for one in rest if not one.startswith("-")), "")
    verb = group.aliases.get(following, following)
    if not guess and verb and verb in group.list_commands(context):
        rest = [one for one in rest if one != following]
        return UsageError(message, f"the command comes first: {_typed([*path.split(), following, word, *rest])}")
    return UsageError(message, guess or f"see '{path} --help'")


def _typed(words: Iterable[str]) -> str:
    import shlex

    return printable(" ".join(map(shlex.quote, words)))


def explained(failure: Any, arguments: Sequence[str]) -> UsageError:
    """Return a failure of the command line parser in the words of this program."""
    context = getattr(failure, "ctx", None)
    path = context.command_path if context is not None else "crdtctl"
    see = f"see '{path} --help'"
    match type(failure).__name__:
        case "NoSuchOption":
            return _no_option(failure.option_name, context, path, arguments)
        case "BadOptionUsage":
            option = failure.option_name
            if "does not take" in failure.message:
                return UsageError(f"{option} takes no value", see)
            return UsageError(f"{option} needs a value", see)
        case "MissingParameter":
            return _missing(failure.param, path)
        case "BadParameter" if failure.param is not None:
            return _bad(failure, context)
        case _:
            text = " ".join(failure.format_message().split())
            extra = re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", text)
            if extra:
                return _extra(extra[1], path, see)
            if text == "Missing command.":
                return UsageError("the command is missing", see)
            return UsageError(printable(text[:1].lower() + text[1:].rstrip(".")), see)


def _no_option(option: str, context: Any, path: str, arguments: Sequence[str]) -> UsageError:
    message = f"unknown option {printable(option[:40])}"
    if re.match("-[0-9]", option) and path.endswith(" add"):
        return UsageError(message, "write '--' before a negative number: crdtctl add NAME -- -3")
    if re.match("-[0-9]", option) and path.endswith(" observe"):
        return UsageError(message, "a reading is never negative; write '--' before a name that begins with '-'")
    if re.match("-[0-9]", option):
        return UsageError(
            message, "amounts are never negative, use decrement; write '--' before a name that begins with '-'"
        )
    known = _options_of(context)
    meant = _OPTIONS.get(option)
    if meant in known:
        return UsageError(message, f"use {meant}; see '{path} --help'")
    guess = did_you_mean(option, known) if len(option) > 3 else ""
    if guess:
        return UsageError(message, f"{guess} See '{path} --help'")
    if hasattr(context.command, "get_command"):
        word = next((one for one in arguments if context.command.get_command(context, one) is not None), None)
        if word is not None:
            command = context.command.get_command(context, word)
            if option in [one for parameter in command.params for one in parameter.opts]:
                return UsageError(message, f"{option} belongs after the command: {path} {word} {option}")
    return UsageError(message, f"see '{path} --help'")


def _options_of(context: Any) -> list[str]:
    return [
        name
        for one in context.command.get_params(context)
        if one.param_type_name == "option"
        for name in (*one.opts, *one.secondary_opts)
        if name.startswith("--")
    ]


def _missing(parameter: Any, path: str) -> UsageError:
    see = f"see '{path} --help'"
    verb = path.removeprefix("crdtctl ")
    if parameter.param_type_name == "option":
        option = max(parameter.opts, key=len)
        message = f"{verb} needs {option} {parameter.metavar or ''}".rstrip()
        if parameter.metavar == "TYPE":
            from crdtctl.crdt import TYPES

            return UsageError(message, f"types are {', '.join(TYPES)}")
        return UsageError(message, see)
    name = parameter.metavar or parameter.name.upper()
    if name.startswith("FILE") and not os.isatty(0):
        return UsageError(f"{verb} needs {name}", f"'{path} -' reads standard input")
    return UsageError(f"{verb} needs {name}", see)


def _bad(failure: Any, context: Any) -> UsageError:
    """Return the failure for a wrong value of an option or variable."""
    parameter = failure.param
    source = context.get_parameter_source(parameter.name)
    where = max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.metavar
    if source is not None and source.name == "ENVIRONMENT":
        where = parameter.envvar or f"{context.auto_envvar_prefix}_{parameter.name.upper()}"
    wrong = re.fullmatch(r"'?(.*?)'? is not (?:a valid|in the range) .*", failure.message, flags=re.DOTALL)
    takes = _takes(parameter.type)
    if not wrong or not takes:
        return UsageError(f"{where}: {printable(failure.message)}")
    return UsageError(f"{where}: '{printable(wrong[1][:40])}' is not {takes}")


def _takes(kind: Any) -> str:
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    bounds = f" from {low} to {high}" if None not in (low, high) else f" from {low}" if low is not None else ""
    match kind.name.split()[0]:
        case "int" | "integer":
            return f"a whole number{bounds}"
        case "float":
            return f"a number{bounds}"
        case "boolean":
            return "1 or 0"
        case _:
            return ""


def _extra(words: str, path: str, see: str) -> UsageError:
    first = words.split(" ")[0]
    hint = _EXTRA.get(path.removeprefix("crdtctl "), "")
    return UsageError(f"unexpected argument: {printable(words[:80])}", hint.format(first) if hint else see)
