"""Sources of keys: files, commands and the environment.

``config.toml`` has the path of a file, or ``exec:`` and a command, never a key. No message shows a key.
"""

from __future__ import annotations

import os
import stat

from crdtctl.errors import ConfigError, UsageError, printable, reason_of
from crdtctl.sync.keys import parsed
from crdtctl.sync.transport import KEY_VARIABLE, inherited_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.sync.keys import Key

_EXEC = "exec:"
_MAX_BYTES = 2**16
_SECONDS = 60.0


def load(sources: Sequence[str], seconds: float = _SECONDS) -> list[Key]:
    """Return the keys from these sources, without duplicates, or else those in the environment.

    A command has a number of seconds to end. Raise `ConfigError` for a source without a valid key.
    """
    if not sources:
        found = parsed(os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE)
    else:
        found = [key for source in sources for key in _from_source(source, seconds)]
    return list({key.id: key for key in reversed(found)}.values())[::-1]


def file_source(path: str) -> str:
    """Return the source for a key file, whose path is made absolute; raise `ConfigError` if it holds no valid key."""
    source = os.path.abspath(os.path.expanduser(path))
    _check_text(source, f"the path of the key file '{printable(path)}'")
    _from_file(source)
    return source


def command_source(command: str) -> str:
    """Return the source for a command that prints a key; raise `UsageError` if it cannot be one. It is not run."""
    from crdtctl.sync.schemes import check

    _check_text(command, "the command")
    return check(f"{_EXEC}{command}")


def _check_text(text: str, what: str) -> None:
    if not text.isprintable() or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{what} contains an unprintable character", "use a path without such characters")


def is_command(source: str) -> bool:
    """Return whether a source in the settings is a command to run."""
    return source.startswith(_EXEC)


def _from_source(source: str, seconds: float) -> list[Key]:
    return _from_command(source.removeprefix(_EXEC), seconds) if is_command(source) else _from_file(source)


def _from_file(path: str) -> list[Key]:
    shown = printable(path)
    hint = "ask for the key of the group; 'crdtctl remote rekey' sets another file"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot read the key file {shown}: {reason_of(error)}", hint) from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"the key file {shown} is not a regular file", hint)
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise ConfigError(
                f"other users may read or write the key file {shown} (mode {mode:04o}), so it is not used",
                f"run: chmod 600 {shown}",
            )
        if status.st_uid not in (0, os.geteuid()):
            raise ConfigError(f"the key file {shown} belongs to another user, so it is not used", f"chown {shown}")
        content = os.read(fd, _MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot read the key file {shown}: {reason_of(error)}", hint) from None
    finally:
        os.close(fd)
    return parsed(content.decode("utf-8", "replace"), f"the key file {shown}")


def _from_command(command: str, seconds: float) -> list[Key]:
    import subprocess

    from crdtctl.sync.schemes import words

    called = words(command)
    shown = f"the key command '{printable(called[0])}'"
    try:
        done = subprocess.run(
            called,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=inherited_environment(),
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"{shown} cannot be run: {reason_of(error)}", "check the remotes in config.toml") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{shown} did not end within {seconds:g} seconds", "run it by hand") from None
    if done.returncode:
        raise ConfigError(f"{shown} ended with status {done.returncode}", "run it by hand")
    return parsed(done.stdout.decode("utf-8", "replace"), f"the output of {shown}")
