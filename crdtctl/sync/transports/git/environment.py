"""Settings and variables for git, the identity of commits, and their messages.

Settings and variables of the user that would change the operations are removed: those of the repository and index,
hooks, signatures. Those of the access to another machine, with its credentials, are kept.
"""

import os
from typing import Final

#: The variable for another message of commits.
MESSAGE: Final = "CRDTCTL_GIT_MESSAGE"
#: The variables for the identity and message of commits.
IDENTITY: Final = f"GIT_COMMITTER_NAME, GIT_COMMITTER_EMAIL, GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL and {MESSAGE}"
#: Keeps servers from starting a pipeline for a push.
_SKIP: Final = "[skip ci]"
_DEFAULT_IDENTITY: Final = {"NAME": "crdtctl", "EMAIL": "crdtctl@localhost"}
#: Variables of git about the access to another machine. All others are removed, since a sync may run in a hook, where
#: they name the repository, index and quarantine of the hook.
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
#: Never ask, and run nothing but git's command, regardless of ``~/.ssh/config``.
SSH: Final = (
    "ssh -o BatchMode=yes -o RemoteCommand=none -o RequestTTY=no -o ClearAllForwardings=yes -o PermitLocalCommand=no"
)


def environment_changes() -> dict[str, str | None]:
    """Return the changes to the environment for git. It must not ask, and must ignore the current repository."""
    names = [name for name in os.environ if name.startswith("GIT_")]
    return {
        **{name: None for name in names if name == _NOT_KEPT or not name.startswith(_KEPT)},
        **_identity(),
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",  # git-credential-manager would open a window
        "GIT_DEFAULT_REF_FORMAT": "files",
        "SSH_ASKPASS": None,
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",  # its messages are parsed
        "LANGUAGE": None,
    }


def _identity() -> dict[str, str | None]:
    """Return the author and committer of commits: from git's variables, or this program."""
    names = [
        (f"GIT_{role}_{what}", value) for role in ("AUTHOR", "COMMITTER") for what, value in _DEFAULT_IDENTITY.items()
    ]
    return {name: os.environ.get(name) or value for name, value in names}


def message(put: int, deleted: int) -> str:
    """Return the message of a commit that puts and deletes these numbers of files.

    >>> print(message(1, 2))
    crdtctl: put 1 file, delete 2 files
    <BLANKLINE>
    [skip ci]
    """
    done = ", ".join(f"{verb} {_files(number)}" for verb, number in (("put", put), ("delete", deleted)) if number)
    return os.environ.get(MESSAGE, "").strip() or f"crdtctl: {done}\n\n{_SKIP}"


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"
