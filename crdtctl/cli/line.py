"""Commands and groups of commands that accept the global options anywhere on the line."""

import os
from collections.abc import Iterable
from typing import Any, Final

import typer
import typer.core

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.errors import CrdtctlError, MissingError, UsageError, printable

#: Base of all exceptions of the command line parser. The class has a public name since typer 0.28.
PARSING: Final[type[Exception]] = getattr(typer, "TyperException", typer.BadParameter.__mro__[2])
#: Prefix of the keys of the global options' values in the context of a command.
_KEY: Final = "crdtctl."


class Everywhere(typer.core.TyperOption):
    """An option that every command accepts, before and after its name; the last one on the line counts."""

    def __init__(self, *names: str, envvar: str, **settings: Any) -> None:
        super().__init__(
            param_decls=list(names),
            envvar=envvar,
            show_envvar=True,
            expose_value=False,
            callback=_keep,
            **settings,
        )
        self.variable = envvar

    def value_from_envvar(self, ctx: Any) -> Any:  # noqa: ARG002  # the signature is the base class's
        """Return None. `of` reads the variable, once, after the whole line is parsed and has no such option."""
        return None

    def of(self, context: typer.Context) -> Any:
        """Return the value on the line, else the value of the variable, else None."""
        found = context.meta.get(_KEY + str(self.name))
        text = os.environ.get(self.variable)
        if found is not None or not text:
            return found
        try:
            return self.type(text, param=self, ctx=context)
        except typer.BadParameter as failure:
            is_flag = self.type.name == "boolean"
            message = f"'{printable(text[:40])}' is not 1 or 0" if is_flag else failure.message
            raise UsageError(f"{self.variable}: {message}") from None


def _keep(context: Any, parameter: Any, value: Any) -> Any:
    source = context.get_parameter_source(parameter.name)
    if value is not None and source is not None and source.name == "COMMANDLINE":
        context.meta[_KEY + parameter.name] = value
    return value


REPLICA: Final = Everywhere(
    "--replica", metavar="PATH", envvar="CRDTCTL_REPLICA", help="Directory of the replica to use."
)
LOCK_TIMEOUT: Final = Everywhere(
    "--lock-timeout",
    metavar="DURATION",
    type=duration,
    envvar="CRDTCTL_LOCK_TIMEOUT",
    help="How long to wait for a lock: 30, 30s, 5m. Default: 30 seconds, or as configured.",
)
QUIET: Final = Everywhere(
    "--quiet", "-q", is_flag=True, envvar="CRDTCTL_QUIET", help="Print no words about changes, not even on a terminal."
)
VERBOSE: Final = Everywhere(
    "--verbose", "-v", is_flag=True, envvar="CRDTCTL_VERBOSE", help="Print words about changes, even off a terminal."
)
EVERYWHERE: Final = (REPLICA, LOCK_TIMEOUT, QUIET, VERBOSE)

#: Line about these options in the help of a command.
_ALSO: Final = "--replica PATH, --lock-timeout DURATION, -q, -v: see 'crdtctl --help'"

JSON: Final = typer.core.TyperOption(
    param_decls=["--json"], is_flag=True, expose_value=False, allow_from_autoenv=False, help="Short for --format json."
)
HEADER: Final = Everywhere(
    "--header/--no-header",
    is_flag=True,
    default=None,
    envvar="CRDTCTL_HEADER",
    help="Print a header line in CSV, TSV and tables. Default: in CSV and tables only.",
)
FULL: Final = Everywhere(
    "--full", is_flag=True, envvar="CRDTCTL_FULL", help="Print full ids and times even on a terminal."
)
#: Further options of every command with --format.
READING: Final = (JSON, HEADER, FULL)
#: --format before the name of a command; the command decides whether it accepts it.
FORMAT: Final = Everywhere("--format", "-f", "form", metavar="FORMAT", envvar="CRDTCTL_FORMAT", hidden=True)


class _Line:
    """The common part of `Command` and `Group`."""

    params: list[Any]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments of the command, then the options of all commands, then --help."""
        *own, last = super().get_params(ctx)  # type: ignore[misc]
        return [*own, *(READING if self._reads() else ()), *EVERYWHERE, last]

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser of the command's words. It reads --json as --format json."""
        parser = super().make_parser(ctx)  # type: ignore[misc]
        form = self._form()
        if form:
            parser.add_option(form, [*JSON.opts], form.name, action="store_const", const="json")
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
        return getattr(self._form(), "envvar", None) == FORMAT.variable

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
            if record is not None and self._is_listed(one) and (ctx.parent is None or one not in EVERYWHERE):
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
        if parameter in READING or parameter is self._form():
            return "Output"
        return "Global options" if parameter in EVERYWHERE or "--help" in parameter.opts else "Options"


def _settle(context: typer.Context) -> None:
    output.settings = output.Settings(
        quiet=bool(QUIET.of(context)),
        verbose=bool(VERBOSE.of(context)),
        header=HEADER.of(context),
        full=bool(FULL.of(context)),
    )


def summary(command: Any) -> str:
    """Return the first line of a command's help."""
    return str(command.help or "").strip().partition("\n")[0]


def _bare(piece: str) -> str:
    is_needed = piece[:1] + piece[-1:] == "{}" or piece.startswith("[-- ") or " | " in piece
    return piece[1:-1] if is_needed else piece


class Command(_Line, typer.core.TyperCommand):
    """A command."""

    def _from_before(self, ctx: Any) -> list[str]:
        values = {option: ctx.meta.get(_KEY + str(option.name)) for option in (FORMAT, HEADER, FULL)}
        accepted = {FORMAT: bool(self._form()), HEADER: self._reads(), FULL: self._reads()}
        for option, value in values.items():
            if value is not None and not accepted[option] and not ctx.resilient_parsing:
                raise UsageError(
                    f"'{ctx.command_path}' has no option {option.opts[0]}", f"see '{ctx.command_path} --help'"
                )
        return ["--format", values[FORMAT]] if values[FORMAT] is not None else []

    def invoke(self, ctx: Any) -> Any:
        """Run the command, with output as the line wants it."""
        _settle(ctx)
        try:
            return super().invoke(ctx)
        except MissingError as error:
            guess = "" if error.counter is None else _counter_meant(ctx, error.counter)
            if not guess:
                raise
            raise type(error)(error.message, guess) from None
        except UsageError as error:
            variable = _culprit(ctx, self.params, error)
            if variable is None:
                raise
            raise type(error)(f"{variable}: {error.message}", error.hint) from None


def _counter_meant(context: typer.Context, name: str) -> str:
    """Return a question with the likeliest counter, or an empty string if no name is similar."""
    from crdtctl.store.replica import Replica
    from crdtctl.suggestions import did_you_mean

    try:
        return did_you_mean(name, (one.name for one in Replica.find(REPLICA.of(context)).counters()))
    except CrdtctlError:
        return ""


def _culprit(context: Any, parameters: Iterable[Any], error: UsageError) -> str | None:
    """Return the environment variable that caused an error, or None."""
    for one in parameters:
        source = context.get_parameter_source(one.name)
        if source is not None and source.name == "ENVIRONMENT":
            value = f"'{context.params.get(one.name)}'"
            if value in error.message or any(f"{option} " in f"{error} " for option in one.opts):
                return str(one.envvar or f"{context.auto_envvar_prefix}_{one.name.upper()}")
    return None


class Group(_Line, typer.core.TyperGroup):
    """A group of commands."""

    #: Other words for commands.
    aliases: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the group, then the options that it accepts for its commands."""
        params = super().get_params(ctx)
        return [*params[:-1], FORMAT, *READING, params[-1]]

    def _form(self) -> Any:
        return FORMAT

    def _reads(self) -> bool:
        return False

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
        return parameter not in READING

    def invoke(self, ctx: Any) -> Any:
        """Run the group's own action and the command."""
        _settle(ctx)
        return super().invoke(ctx)

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
