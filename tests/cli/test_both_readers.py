"""The two readers of the command line understand a line alike: the small one, and typer made of the same grammar."""

import os
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.cli import app, output, parser
from crdtctl.cli.carrying import carry_out
from crdtctl.cli.context import Context, Ended
from crdtctl.cli.everywhere import EVERYWHERE, FORMAT, LOCK_TIMEOUT, READING, REPLICA
from crdtctl.cli.grammar import Argument, Command, Flag, Option, Whole, command, text
from crdtctl.cli.verbs import ALIASES, VERBS, load
from crdtctl.errors import CrdtctlError, UsageError

#: The words before the options of each command → the command.
COMMANDS: dict[tuple[str, ...], Command] = {}
for verb in (*VERBS, *ALIASES):
    found = load(verb)
    assert found is not None
    COMMANDS[(verb,)] = found
    COMMANDS.update({(verb, name): one for name, one in found.commands.items()})

#: Values that mean something in one place or another.
VALUES = st.sampled_from(
    [
        *("", "-", "x", "a b", "builds", "a=1", "b=2", "5", "0", "-3", "+7", "1_0", "1.5", "30s", "1h30m", "json"),
        *("table", "skip", "café", "--", "--replica", "-q", "--format=json", "/srv/counts", "*", "1e3", "٣", "100"),
    ]
)
WORDS = st.sampled_from(["--help", "-h", "--bogus", "-x", "-qv", "-vx", "--json", "--json=1", "-", "--", "-0", "-n5"])


def is_automatic(path: tuple[str, ...], option: Option) -> str:
    return "_".join(("CRDTCTL", ALIASES.get(path[0], path[0]), *path[1:], option.name)).upper()


def options_of(command: Command) -> list[Option]:
    return [*command.options, *EVERYWHERE, *(READING if command.reads else ())]


@st.composite
def typed(draw: st.DrawFn, option: Option, values: st.SearchStrategy[str]) -> list[str]:
    """Draw the words of an option."""
    name = draw(st.sampled_from([*option.names, *(option.off if isinstance(option, Flag) else ())]))
    if option.is_flag:
        return [name]
    value = draw(values)
    attached = [f"{name}={value}"] if name.startswith("--") else [f"{name}{value}"] if value else [name, value]
    return draw(st.sampled_from([[name, value], attached]))


def good_values(option: Option) -> st.SearchStrategy[str]:
    if isinstance(option.kind, Whole):
        low, high = option.kind.low or 0, option.kind.high or 10**6
        return st.integers(low, high).map(str)
    if option.is_flag:
        return st.sampled_from(["1", "0", "true", "no", "ON"])
    return VALUES.filter(bool) if option.kind is text else st.sampled_from(["0", "5", "1.5", "30s", "1h30m", "2D"])


@st.composite
def lines(draw: st.DrawFn, *, ordinary: bool) -> tuple[list[str], dict[str, str]]:
    """Draw a command line and an environment; an `ordinary` line has no part that is unknown, missing or wrong."""
    path = draw(st.sampled_from(sorted(COMMANDS)))
    command = COMMANDS[path]
    options = options_of(command)
    chosen = [*(one for one in options if one.required), *draw(st.lists(st.sampled_from(options), max_size=4))]
    pieces = [draw(typed(one, good_values(one) if ordinary else VALUES)) for one in chosen]
    least = sum(one.required for one in command.arguments)
    most = least + 3 if any(one.repeated for one in command.arguments) else len(command.arguments)
    if not ordinary:
        pieces += draw(st.lists(WORDS.map(lambda word: [word]), max_size=2))
        least, most = 0, most + 1
    places = draw(st.lists(VALUES, min_size=least, max_size=most))
    if ordinary:
        free = 1 if not command.interspersed and places else len(places)  # behind the first, options are words
        places[:free] = ["x" if word[:1] == "-" and word != "-" else word for word in places[:free]]
    pieces += [[word] for word in places]
    if command.interspersed:
        pieces = draw(st.permutations(pieces))
    before = [*EVERYWHERE, *([FORMAT] if command.form or not ordinary else []), *(READING if command.reads else ())]
    front = [draw(typed(one, good_values(one))) for one in draw(st.lists(st.sampled_from(before), max_size=2))]
    at = draw(st.integers(0, len(path) - 1))
    words = [*path[:at], *(word for piece in front for word in piece), *path[at:]]
    words += [word for piece in pieces for word in piece]
    environment: dict[str, str] = {}
    for option in draw(st.lists(st.sampled_from(options), max_size=2)):
        names = [is_automatic(path, option), *([option.variable] if option.variable else [])]
        environment[draw(st.sampled_from(names))] = draw(good_values(option) if ordinary else VALUES)
    return words, environment


#: The command line as a command gets it.
Call = tuple[str, dict[str, Any], set[str], dict[str, str], dict[str, Any], dict[str, Any]]


class Recorder:
    """Takes the place of every command: it records its call, and ends in one of the ways in which a command ends."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.end: Callable[[Context], int | None] = lambda _: None

    def __call__(self, context: Context, **values: Any) -> int | None:
        settings = vars(output.settings).copy()
        of = {one.name: context.of(one) for one in (REPLICA, LOCK_TIMEOUT, FORMAT)}
        variables = {name: variable for name, variable in context.variables.items() if variable}
        self.calls.append((context.command.name, values, {*context.typed}, variables, of, settings))
        return self.end(context)


def refuse(context: Context) -> int | None:
    """End like a command that refuses the last of its values."""
    value = next(reversed([*context.values.values(), "none"]))
    raise UsageError(f"'{value}' is refused", "name another")


def finish(_context: Context) -> int | None:
    raise Ended(75)


ENDS = st.sampled_from([lambda _: None, lambda _: 1, refuse, finish])


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    before = {one: one.run for one in COMMANDS.values()}
    for (
        one,
        run,
    ) in before.items():  # the help, which the reader keeps, is that of the function
        one.run = wraps(run)(lambda context, **values: recorder(context, **values))
    yield recorder
    for one, run in before.items():
        one.run = run


def outcome(recorder: Recorder, read: Callable[[], int]) -> tuple[list[Call], object]:
    """Return the calls of commands, and the exit status or the message."""
    recorder.calls = []
    end: object
    try:
        end = read()
    except CrdtctlError as error:
        end = (type(error), str(error))
    except Ended as ended:
        end = ended.status
    return recorder.calls, end


def environ(variables: dict[str, str]) -> Any:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("CRDTCTL_", "_CRDTCTL_"))}
    return mock.patch.dict(os.environ, {**bare, **variables}, clear=True)


def assert_both_agree(recorder: Recorder, words: list[str], variables: dict[str, str]) -> bool:
    """Compare the two readers, unless the small one declines; return whether it has read the line."""
    with environ(variables):
        context = parser.read(words)
        if context is None:
            return False
        small = outcome(recorder, lambda: carry_out(context))
        assert small == outcome(recorder, lambda: app.run(words))
    return True


@given(line=lines(ordinary=False), end=ENDS)
@example(line=(["show", "--require", "-q", "x"], {}), end=lambda _: None)
@example(line=(["--header", "show", "--no-header"], {}), end=lambda _: None)
@example(line=(["--format", "csv", "show", "--format", "json"], {}), end=lambda _: None)
@example(line=(["show", "x", "--json", "--format", "csv"], {}), end=lambda _: None)
@example(line=(["merge", "-n0", "x"], {}), end=lambda _: None)
@example(line=(["run", "--seal-to", "x", "sh", "-c", "--job"], {}), end=lambda _: None)
@example(line=(["show"], {"CRDTCTL_TYPE": "", "CRDTCTL_SHOW_TAG": "gset"}), end=refuse)
@example(line=(["remote", "--format", "json"], {}), end=lambda _: None)
def test_a_line_that_the_small_reader_reads_means_the_same_to_the_other_one(
    recorder: Recorder, line: tuple[list[str], dict[str, str]], end: Callable[[Context], int | None]
) -> None:
    recorder.end = end
    assert_both_agree(recorder, *line)


@given(line=lines(ordinary=True))
def test_an_ordinary_line_of_any_command_is_read_by_the_small_reader(
    recorder: Recorder, line: tuple[list[str], dict[str, str]]
) -> None:
    recorder.end = lambda _: None
    assert assert_both_agree(recorder, *line)


#: The values of the option of `sample`, for each call.
CALLS: list[list[int]] = []


@command(Argument("name", "NAME"), Option("many", "--many", "-m", kind=Whole(), repeated=True))
def sample(_context: Context, name: str | None, many: list[int]) -> None:  # as declared
    CALLS.append(many)


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        ([], {}, []),
        (["--many", "1", "x", "-m2", "--many=1"], {}, [1, 2, 1]),
        (["x", "-qm", "3"], {"CRDTCTL_SAMPLE_MANY": "4"}, [3]),
        ([], {"CRDTCTL_SAMPLE_MANY": "4"}, [4]),
        ([], {"CRDTCTL_SAMPLE_MANY": "4 5"}, None),
        (["-m"], {}, None),
        (["-m", "1", "-m", "x"], {}, None),
    ],
)
def test_a_repeated_option_has_the_list_of_its_values(
    words: list[str], variables: dict[str, str], expected: list[int] | None
) -> None:
    loads: Any = {"load": lambda _: sample}
    CALLS.clear()
    with environ(variables), mock.patch.multiple(parser, **loads), mock.patch.multiple(app, **loads):
        context = parser.read(["sample", *words])
        if expected is None:
            assert context is None
            with pytest.raises(UsageError):
                app.run(["sample", *words])
            return
        assert context is not None
        carry_out(context)
        app.run(["sample", *words])
    assert [expected, expected] == CALLS


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_only_the_last_argument_is_repeated(path: tuple[str, ...]) -> None:
    """The small reader gives words to the arguments from the left."""
    assert not any(argument.repeated for argument in COMMANDS[path].arguments[:-1])
    needed = [argument.required for argument in COMMANDS[path].arguments]
    assert needed == sorted(needed, reverse=True)
