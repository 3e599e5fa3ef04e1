"""How git is run: with which settings and variables, as whom, and with which message its commits are made.

What others may have set for git in general is kept from it, as far as it would change what is done: which repository
and index is meant, hooks, signatures. How another machine is reached, with which credentials, remains the user's.
"""

import os
from typing import Final

#: The message of commits, in place of the default one.
MESSAGE: Final = "CRDTCTL_GIT_MESSAGE"
#: Where a user can set who makes the commits, and with which message, in words.
IDENTITY: Final = f"GIT_COMMITTER_NAME, GIT_COMMITTER_EMAIL, GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL and {MESSAGE}"
#: What keeps servers from starting a pipeline for a push.
_SKIP: Final = "[skip ci]"
_WHO: Final = {"NAME": "crdtctl", "EMAIL": "crdtctl@localhost"}
#: The variables of git that say how others are reached. The others say which repository is meant and are kept from it:
#: in a hook, where a sync may be run, they name somebody's repository, index and quarantine.
_KEPT = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_CONFIG_", "GIT_EXEC_PATH", "GIT_ALLOW_")
_NOT_KEPT = "GIT_CONFIG_PARAMETERS"
SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.logAllRefUpdates=false",
    "color.ui=false",
    "credential.interactive=false",
    "gc.auto=0",
    "gc.bigPackThreshold=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
)
#: Nothing is asked, and what is done is only what was asked for, whatever ``~/.ssh/config`` says.
SSH: Final = (
    "ssh -o BatchMode=yes -o RemoteCommand=none -o RequestTTY=no -o ClearAllForwardings=yes -o PermitLocalCommand=no"
)


def environment_changes() -> dict[str, str | None]:
    """Return how the environment of git differs from ours: it asks nobody, and does not know where we were called."""
    strange = [name for name in os.environ if name.startswith("GIT_")]
    return {
        **{name: None for name in strange if name == _NOT_KEPT or not name.startswith(_KEPT)},
        **_identity(),
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",  # git-credential-manager would open a window
        "GIT_DEFAULT_REF_FORMAT": "files",
        "SSH_ASKPASS": None,
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",  # what it says is read
        "LANGUAGE": None,
    }


def _identity() -> dict[str, str | None]:
    """Return who makes commits: as the variables of git say, or this program."""
    names = [(f"GIT_{role}_{what}", value) for role in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()]
    return {name: os.environ.get(name) or value for name, value in names}


def message(put: int, deleted: int) -> str:
    """Return the message of a commit that puts and deletes so many files.

    >>> print(message(1, 2))
    crdtctl: put 1 file, delete 2 files
    <BLANKLINE>
    [skip ci]
    """
    done = ", ".join(f"{verb} {_files(number)}" for verb, number in (("put", put), ("delete", deleted)) if number)
    return os.environ.get(MESSAGE, "").strip() or f"crdtctl: {done}\n\n{_SKIP}"


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"
