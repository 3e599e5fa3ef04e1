"""``config.toml``: settings, for people to edit. Read only when a setting matters."""

import os
import stat
from dataclasses import dataclass

from crdtctl.errors import ConfigError
from crdtctl.store.durable import close, open_state, read_all

TEMPLATE = """\
# Settings of this replica. What stands behind "#" is the default.

# How many seconds a command waits for a lock that another process holds.
# lock_timeout = 30
"""

_HINT = "correct it, or delete it to have the defaults"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a replica."""

    lock_timeout: float = 30.0


def read(directory: int, path: str) -> Config:
    """Return the settings in the replica's open `directory`; `path` is for messages. Raise `ConfigError`."""
    try:
        fd = open_state(directory, "config.toml")
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {os.strerror(error.errno or 0)}", _HINT) from None
    from crdtctl.codec import toml
    from crdtctl.codec.wire import Invalid

    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not a regular file", _HINT)
        if status.st_size > toml.MAX_ANY_LAYOUT:
            raise ConfigError(f"{path} is larger than {toml.MAX_ANY_LAYOUT} bytes", _HINT)
        tree = toml.loads(read_all(fd).decode(), float)
    except (Invalid, ValueError, OSError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}", _HINT) from None
    finally:
        close(fd)
    timeout = tree.pop("lock_timeout", Config().lock_timeout)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= 1e9:
        raise ConfigError(f"{path}: lock_timeout must be a number of seconds, at least 0", _HINT)
    if tree:
        raise ConfigError(f"{path}: there is no setting {min(tree)!r}", _HINT)
    return Config(lock_timeout=float(timeout))
