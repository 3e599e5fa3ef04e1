"""The commands of the grammar as commands of the typer library, which helps, completes, and explains errors.

They accept the global options anywhere on the line. `parser` reads the ordinary lines, from the same grammar.
"""

from collections.abc import Callable
from inspect import cleandoc
from os import environ
from typing import Any, Final

import typer
import typer.core
import typer.main

from crdtctl.cli.carrying import carry_out
from crdtctl.cli.context import Context
from crdtctl.cli.everywhere import EVERYWHERE, FORMAT, FULL, HEADER, JSON, READING
from crdtctl.cli.exit_status import section
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, text, variable_of
from crdtctl.cli.grammar import Command as Declared
from crdtctl.errors import UsageError

#: Base of all exceptions of the command line parser. The class has a public name since typer 0.28.
PARSING: Final[type[Exception]] = getattr(typer, "TyperException", typer.BadParameter.__mro__[2])
#: Prefix of the keys of the global options' values in the context of a command.
_KEY: Final = "crdtctl."


def _said(words: str | Callable[[], str]) -> str:
    return words if isinstance(words, str) else words()


def _settings(option: Option) -> dict[str, Any]:
    names = list(option.names)
    if isinstance(option, Flag) and option.off:
        names[0] += f"/{option.off[0]}"
    kind: Any = None
    if isinstance(option.kind, Whole):
        bounds = typer.Option(min=option.kind.low, max=option.kind.high)
        kind = typer.main.get_click_type(annotation=int, parameter_info=bounds)
    elif option.kind is not text and not option.is_flag:
        kind = _reading(option)
    return {
        "param_decls": [option.name, *names],
        "metavar": option.metavar or None,
        "help": _said(option.help),
        "is_flag": option.is_flag or None,
        "type": kind,
        "hidden": option.hidden,
        "show_envvar": True,
    }


def _reading(option: Option) -> Any:
    def read(word: Any) -> Any:
        try:
            return option.kind(word)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    read.__name__ = option.metavar.lower()
    return read


class _Argument(typer.core.TyperArgument):
    def __init__(self, declared: Argument) -> None:
        super().__init__(
            param_decls=[declared.name],
            required=declared.required,
            nargs=-1 if declared.repeated else None,
            metavar=declared.metavar,
            help=_said(declared.help),
            hidden=declared.hidden,
        )
        self.declared = declared


class _Option(typer.core.TyperOption):
    def __init__(self, declared: Option) -> None:
        shown = isinstance(declared.kind, Whole)
        super().__init__(
            **_settings(declared),
            envvar=declared.variable or None,
            required=declared.required,
            default=declared.default,
            multiple=declared.repeated,
            show_default=shown,
        )
        self.declared = declared

    def resolve_envvar_value(self, ctx: Any) -> str | None:
        """Return the word in the environment variable that sets this option, as the other reader finds it."""
        return environ.get(variable_of(self.declared, ctx.auto_envvar_prefix, environ)) or None

    def value_from_envvar(self, ctx: Any) -> Any:
        """Return the value of the environment variable. That of a repeated option is one, and not split at spaces."""
        if not self.declared.repeated:
            return super().value_from_envvar(ctx)
        word = self.resolve_envvar_value(ctx)
        return None if word is None else [word]


class Everywhere(typer.core.TyperOption):
    """An option that every command accepts, before and after its name; the last one on the line counts."""

    def __init__(self, declared: Option) -> None:
        super().__init__(
            **_settings(declared),
            envvar=declared.variable,
            expose_value=False,
            callback=_keep,
        )
        self.declared = declared

    def value_from_envvar(self, ctx: Any) -> Any:  # noqa: ARG002  # the signature is the base class's
        """Return None. `context.of` reads the variable, once, after the whole line is read and has no such option."""
        return None


def _keep(context: Any, parameter: Any, value: Any) -> Any:
    if value is not None and _is_typed(context, parameter.name):
        context.meta[_KEY + parameter.name] = value
    return value


def _is_typed(context: Any, name: str | None) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _on_line(context: Any) -> dict[str, Any]:
    """Return the values of the global options on the line."""
    return {key.removeprefix(_KEY): value for key, value in context.meta.items() if key.startswith(_KEY)}


_EVERYWHERE: Final = tuple(map(Everywhere, EVERYWHERE))
_JSON: Final = typer.core.TyperOption(
    param_decls=[JSON], is_flag=True, expose_value=False, allow_from_autoenv=False, help="Short for --format json."
)
#: Further options of every command that prints a report.
_READING: Final = (_JSON, *map(Everywhere, READING))
_FORMAT: Final = Everywhere(FORMAT)

#: Line about these options in the help of a command.
_ALSO: Final = "--replica PATH, --lock-timeout DURATION, -q, -v: see 'crdtctl --help'"


class _Line:
    """The common part of `Command` and `Group`."""

    params: list[Any]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments of the command, then the options of all commands, then --help."""
        *own, last = super().get_params(ctx)  # type: ignore[misc]
        return [*own, *(_READING if self._reads() else ()), *_EVERYWHERE, last]

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser of the command's words. It reads --json as --format json."""
        parser = super().make_parser(ctx)  # type: ignore[misc]
        form = self._form()
        if form:
            parser.add_option(form, [*_JSON.opts], form.name, action="store_const", const="json")
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse the words of the command, and a --format before its name. A failure carries the command's context."""
        try:
            return super().parse_args(ctx, [*self._from_before(ctx), *args])  # type: ignore[misc]
        except PARSING as failure:
            if getattr(failure, "ctx", ctx) is None:
                failure.ctx = ctx  # type: ignore[attr-defined]
            raise

    def _form(self) -> Any:
        return next((one for one in self.params if one.name == "form"), None)

    def _reads(self) -> bool:
        return False

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line. Brackets mark optional words. Braces are removed."""
        return [_bare(piece) for piece in super().collect_usage_pieces(ctx)]  # type: ignore[misc]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of the help that list arguments and options."""
        sections: dict[str, list[tuple[str, str]]] = {
            "Arguments": [],
            "Options": [],
            "Output": [],
            "Global options": [],
        }
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None and self._is_listed(one) and (ctx.parent is None or one not in _EVERYWHERE):
                sections[self._title(one)].append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
                    if title == "Global options" and ctx.parent is not None:
                        formatter.write_text(_ALSO)

    def _from_before(self, ctx: Any) -> list[str]:  # noqa: ARG002  # groups have none
        return []

    def _is_listed(self, parameter: Any) -> bool:  # noqa: ARG002  # groups take more
        return True

    def _title(self, parameter: Any) -> str:
        """Return the title of the section that lists a parameter."""
        if parameter.param_type_name == "argument":
            return "Arguments"
        if parameter in _READING or parameter is self._form():
            return "Output"
        return "Global options" if parameter in _EVERYWHERE or "--help" in parameter.opts else "Options"


def summary(command: Any) -> str:
    """Return the first line of a command's help."""
    return str(command.help or "").strip().partition("\n")[0]


def _bare(piece: str) -> str:
    is_needed = piece[:1] + piece[-1:] == "{}" or piece.startswith("[-- ") or " | " in piece
    return piece[1:-1] if is_needed else piece


def _help(declared: Declared) -> dict[str, Any]:
    return {
        "name": declared.name,
        "help": cleandoc(declared.run.__doc__ or ""),
        "epilog": section(*declared.statuses, once=declared.once),
        "rich_markup_mode": None,
    }


class Command(_Line, typer.core.TyperCommand):
    """A command."""

    def __init__(self, declared: Declared) -> None:
        parameters = [*map(_Argument, declared.arguments), *map(_Option, declared.options)]
        settings = {} if declared.interspersed else {"allow_interspersed_args": False}
        super().__init__(**_help(declared), params=parameters, context_settings=settings)
        self.declared = declared

    def _reads(self) -> bool:
        return self.declared.reads

    def _from_before(self, ctx: Any) -> list[str]:
        line = _on_line(ctx)
        accepted = {FORMAT: self.declared.form is not None, HEADER: self._reads(), FULL: self._reads()}
        for option, may in accepted.items():
            if option.name in line and not may and not ctx.resilient_parsing:
                raise UsageError(
                    f"'{ctx.command_path}' has no option {option.names[0]}", f"see '{ctx.command_path} --help'"
                )
        return ["--format", line[FORMAT.name]] if FORMAT.name in line else []

    def invoke(self, ctx: Any) -> int:
        """Run the command."""
        values = dict(ctx.params)
        repeated = [one.name for one in self.declared.arguments if one.repeated]
        repeated += [one.name for one in self.declared.options if one.repeated]
        for name in repeated:
            values[name] = [*(values[name] or ())]
        variables = {
            option.name: variable_of(option, ctx.auto_envvar_prefix, environ)
            for option in self.declared.options
            if getattr(ctx.get_parameter_source(option.name), "name", "") == "ENVIRONMENT"
        }
        typed = {name for name in values if _is_typed(ctx, name)}
        return carry_out(Context(self.declared, values, typed=typed, variables=variables, everywhere=_on_line(ctx)))


class Group(_Line, typer.core.TyperGroup):
    """A group of commands."""

    #: Other words for commands.
    aliases: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the group, then the options that it accepts for its commands."""
        params = super().get_params(ctx)
        return [*params[:-1], _FORMAT, *_READING, params[-1]]

    def _form(self) -> Any:
        return _FORMAT

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of the help."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the section of the help that lists the commands, each with the first line of its help."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(one)) for name, one in commands if one is not None])

    def _is_listed(self, parameter: Any) -> bool:
        return parameter not in _READING

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first word names, and the rest of the words; raise `UsageError`."""
        word = args[0]
        name = self.aliases.get(word, word)
        command = self.get_command(ctx, name)
        if command is None:
            if ctx.resilient_parsing:
                return None, None, args[1:]
            from crdtctl.cli.usage import no_command

            raise no_command(ctx, word, args[1:], self)
        return name, command, args[1:]


class Below(Group):
    """A command with commands of its own. It runs itself if none of them follows."""

    def __init__(self, declared: Declared) -> None:
        super().__init__(
            **_help(declared),
            commands={name: Command(one) for name, one in declared.commands.items()},
            invoke_without_command=True,
        )
        self.declared = declared
        self.aliases = dict(declared.aliases)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, or the group itself."""

        def alone() -> int | None:
            if ctx.invoked_subcommand is not None:
                return None
            return carry_out(Context(self.declared, {}, everywhere=_on_line(ctx)))

        self.callback = alone
        return super().invoke(ctx)


def made(declared: Declared) -> Command | Below:
    """Return a command or a group of the library."""
    return Below(declared) if declared.commands else Command(declared)
