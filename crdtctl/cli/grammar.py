"""The grammar of the command line, as data: commands with their options and arguments.

Two readers understand it. `parser` reads ordinary lines, in a moment. `line` makes a command of the typer library from
the same data; it answers ``--help``, and explains what is wrong with a line. This module imports nothing, because
every command declares itself with it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    #: A help text, or a function that makes it when it is shown.
    Text: TypeAlias = str | Callable[[], str]
    #: Returns the value of a word; raises ValueError, with the reason in words.
    Kind: TypeAlias = Callable[[str], Any]

#: Start of the names of all environment variables of options.
PREFIX = "CRDTCTL"


def text(word: str) -> str:
    """Return the word."""
    return word


class Whole:
    """The kind of whole numbers, perhaps with bounds."""

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self.low = low
        self.high = high

    def __call__(self, word: str) -> int:
        """Return the number; raise ValueError."""
        number = int(word)
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise ValueError
        return number


#: The spellings of a flag in an environment variable.
_BOOLEANS = {
    **dict.fromkeys(("1", "yes", "true", "on", "t", "y"), True),
    **dict.fromkeys(("0", "no", "false", "off", "f", "n"), False),
}


def boolean(word: str) -> bool:
    """Return the value of a flag in an environment variable; raise ValueError."""
    found = _BOOLEANS.get(word.strip().lower())
    if found is None:
        raise ValueError(f"'{word[:40]}' is not 1 or 0")
    return found


class Argument:
    """A word of a command that is recognised by its place; the last one may be `repeated`.

    `words` returns completions, each with its summary.
    """

    def __init__(
        self,
        name: str,
        metavar: str,
        help: Text = "",  # noqa: A002  # the word that users know it by
        *,
        required: bool = False,
        repeated: bool = False,
        hidden: bool = False,
        words: Callable[[], Sequence[tuple[str, str]]] | None = None,
    ) -> None:
        self.name = name
        self.metavar = metavar
        self.help = help
        self.required = required
        self.repeated = repeated
        self.hidden = hidden
        self.words = words


class Option:
    """An option with a value. Its name on the line is made from `name`, unless `names` are given.

    Without the option, `variable` counts, then the automatic variable: the path of the command and `name`, in capitals.
    The value of a `repeated` one is the list of the values on the line, in order; a variable has one value of the list.
    Values that are `ignored` have no effect in `variable`, which sets the option of other commands as well.
    """

    is_flag = False

    def __init__(
        self,
        name: str,
        *names: str,
        metavar: str = "",
        help: Text = "",  # noqa: A002  # the word that users know it by
        kind: Kind = text,
        variable: str = "",
        default: Any = None,
        required: bool = False,
        hidden: bool = False,
        repeated: bool = False,
        ignored: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.names = names or (f"--{name.replace('_', '-')}",)
        self.metavar = metavar
        self.help = help
        self.kind = kind
        self.variable = variable
        self.ignored = ignored
        self.default = default
        self.required = required
        self.hidden = hidden
        self.repeated = repeated


class Flag(Option):
    """An option without a value. `off` are names that turn it off."""

    is_flag = True

    def __init__(
        self,
        name: str,
        *names: str,
        off: Sequence[str] = (),
        help: Text = "",  # noqa: A002  # the word that users know it by
        variable: str = "",
        default: bool | None = False,
    ) -> None:
        super().__init__(name, *names, help=help, kind=boolean, variable=variable, default=default)
        self.off = off


class Command:
    """A command: the function that runs it, its parameters, and the contents of its help.

    The function gets a `Context`, and the value of each parameter under its name. It returns the exit status, or None
    for 0. Its docstring is the help. A command with `commands` is a group: the function runs if no command follows.
    """

    def __init__(
        self,
        run: Callable[..., int | None],
        parameters: Sequence[Argument | Option],
        *,
        statuses: Sequence[int] = (),
        once: bool = False,
        interspersed: bool = True,
        commands: Sequence[Command] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.name = run.__name__.rstrip("_")
        self.arguments = [one for one in parameters if isinstance(one, Argument)]
        self.options = [one for one in parameters if isinstance(one, Option)]
        self.statuses = statuses
        #: Whether it has idempotency keys, which make a repetition harmless.
        self.once = once
        #: Whether options may follow the arguments.
        self.interspersed = interspersed
        self.commands = {one.name: one for one in commands}
        #: Other words for the commands.
        self.aliases = aliases or {}

    @property
    def form(self) -> Option | None:
        """The option of the format, if the command has one."""
        for one in self.options:
            if one.name == "form":
                return one
        return None

    @property
    def reads(self) -> bool:
        """Whether the command prints a report, in the formats of all reports."""
        form = self.form
        return form is not None and form.variable == f"{PREFIX}_FORMAT"


def command(
    *parameters: Argument | Option,
    statuses: Sequence[int] = (),
    once: bool = False,
    interspersed: bool = True,
    commands: Sequence[Command] = (),
    aliases: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., int | None]], Command]:
    """Return a decorator that makes a command of a function."""

    def declare(run: Callable[..., int | None]) -> Command:
        return Command(
            run,
            parameters,
            statuses=statuses,
            once=once,
            interspersed=interspersed,
            commands=commands,
            aliases=aliases,
        )

    return declare


def variable_of(option: Option, path: str, environment: Mapping[str, str]) -> str:
    """Return the name of the environment variable that sets an option of a command; '' if none does.

    `path` is the automatic start of the variables of the command.
    """
    word = environment.get(option.variable) if option.variable else None
    if word and word not in option.ignored:
        return option.variable
    automatic = f"{path}_{option.name.upper()}"
    return automatic if environment.get(automatic) else ""
