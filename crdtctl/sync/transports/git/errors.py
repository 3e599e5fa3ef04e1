"""Errors of git and of remote repositories, recognised in git's messages. Pure."""

import re
import shlex
from typing import Final

from crdtctl.errors import (
    AccessError,
    ConfigError,
    CrdtctlError,
    StorageError,
    TransientError,
    UnavailableError,
    printable,
)
from crdtctl.sync.process import ProgramResult, one_line
from crdtctl.sync.transports.git.environment import IDENTITY

_DUBIOUS = re.compile(r"dubious ownership|owned by someone else")
_CHANGED_HOST = re.compile(r"host identification has changed")
_UNKNOWN_HOST = re.compile(r"host key verification failed|no .* host key is known")
_NOT_LET_IN = re.compile(
    r"terminal prompts disabled|could not read (username|password)|authentication failed|permission denied"
    r"|invalid (username|credentials)|access denied(?! or repository not exported)|insufficient permission"
    r"|returned error: 40[13]|service not enabled|unable to create temporary object directory"
)
_NO_REPOSITORY = re.compile(r"not appear to be a git repository|repository ('.*' )?not found|repository not exported")
_TRANSIENT = re.compile(
    r"could not resolve|unable to look up|name or service not known|temporary failure|connection (refused|reset|closed)"
    r"|(failed|unable|couldn't|could not) (to )?connect|timed? ?out|unreachable|no route to host|broken pipe"
    r"|returned error: (429|5\d\d)|hung up|early eof|unexpected disconnect|couldn't find remote ref"
)
#: Another client has changed the branch, or is changing it.
_OVERTAKEN = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to (update|lock)"
    r"|incorrect old value|already exists"
)
NO_ROOM: Final = re.compile("no space left|quota exceeded|read-only file system", re.IGNORECASE)
#: Missing or unreadable objects in the remote repository.
_DAMAGED = re.compile(
    r"is corrupt|bad object|missing necessary objects|missing (blob|tree|commit) object|not our ref"
    r"|unable to (read (tree|sha1|[0-9a-f]{40})|parse object|open loose object)|object file .* is empty"
    r"|could not parse (commit|object)|cannot be accessed|bad (tree|commit|ref)\b|inflate: data stream error"
)
#: A transient error of the server when it stores a push.
_NOT_STORED = re.compile("unable to migrate objects")
#: Git cannot have a branch ``a`` and a branch ``a/b``.
_IN_THE_WAY = re.compile(r"'refs/heads/([^']*)' exists; cannot create")
#: A lock file of git, which a killed git leaves behind.
_LOCK = re.compile(r"unable to create '([^']*\.lock)': file exists", re.IGNORECASE)
_SETTING = re.compile(
    r"bad config |bad (boolean|numeric) (config|environment) value|while reading the configuration files"
    r"|unable to access '[^']*(gitconfig|git/config)'|invalid config|unable to parse '[^']*' from"
)
_SETTING_FILE = re.compile(r"in file (.*)")
_IDENTITY = re.compile(r"empty ident name|disallowed characters|ident name|invalid ident")
_NO_OPTIONS = re.compile(r"does not support push options")
_CHATTER = re.compile(r"bad line length character")
_CHECKED_OUT = re.compile(r"checked.out|branch is currently")
#: General advice that git adds to many failures.
_ADDED = re.compile(r"could not read from remote|correct access rights|and the repository exists", re.IGNORECASE)
#: The prefix of lines from the server.
_REMOTE: Final = "remote: "


def misconfigured(done: ProgramResult, own: str) -> CrdtctlError | None:
    """Return the error for wrong settings of the user, if git failed because of them.

    Settings of the local repository `own` or of the remote repository are not the user's.
    """
    if _ADDED.search(done.errors):
        return None
    lines = [line for line in done.errors.splitlines() if not line.startswith(_REMOTE)]
    if any(_IDENTITY.search(line) for line in lines):
        return ConfigError(f"git cannot make a commit: {done.last_lines}", f"check {IDENTITY}")
    wrong = [line for line in lines if _SETTING.search(line)]
    files = [found[1] for line in wrong if (found := _SETTING_FILE.search(line))]
    if not wrong or any(file.startswith(own) for file in files):
        return None
    words = one_line("; ".join(wrong[-2:]))
    return ConfigError(f"git's settings are wrong: {words}", "check them with: git config --list --show-origin")


def failure(done: ProgramResult, shown: str, path: str = "", *, is_readable: bool = False) -> CrdtctlError:
    """Return the error for a repository with the name `shown`, and at `path` if it is on this machine.

    If the repository `is_readable`, then "no such repository" means that writing is not allowed.
    """
    lines = _reasons(done)
    said = "\n".join(lines).replace(path, "").lower()  # a path may contain any words
    words = one_line("; ".join(lines[-2:])) or done.last_lines
    if NO_ROOM.search(said):
        is_there = is_readable or any(line.startswith(_REMOTE) for line in lines)
        where = f"at {shown}" if is_there else f"on this machine for the download from {shown}"
        return StorageError(f"no space left {where}: {words}", "nothing was changed; free some space and try again")
    if _SETTING.search(said):
        return UnavailableError(
            f"the settings of the repository {shown} are wrong: {words}", "correct its file 'config'"
        )
    if _NO_OPTIONS.search(said):
        return UnavailableError(
            f"{shown} does not accept push options", "remove push.pushOption from git's configuration"
        )
    if _DAMAGED.search(said):
        if is_readable and not _server_lines(done):
            return TransientError(f"the local cache of {shown} is damaged: {words}", "try again")
        return damaged(shown, words)
    if _CHATTER.search(said):
        return UnavailableError(
            f"{shown}: the shell prints text at login, which is not git's protocol: {words}",
            "change its .bashrc or .profile so that it prints nothing without a terminal",
        )
    quoted = shlex.quote(path)
    if _DUBIOUS.search(said):
        trust = f"git config --global --add safe.directory {quoted}"
        return AccessError(
            f"{shown} belongs to another user, so git does not trust it", f"if you trust it: {trust}" if path else words
        )
    if _CHANGED_HOST.search(said):
        return AccessError(
            f"{shown}: its host key has changed", "find out why, before you delete the old key with ssh-keygen -R"
        )
    if _UNKNOWN_HOST.search(said):
        return AccessError(
            f"{shown}: its host key is not known on this machine", "connect once with ssh and compare the key"
        )
    is_hidden = _NO_REPOSITORY.search(said) is not None
    if _NOT_LET_IN.search(said) or (is_hidden and is_readable):
        hint = (
            "check the owner and mode of its files" if path else "check git's credential helper, or ssh's key or agent"
        )
        return AccessError(f"{shown} refuses access: {words}", hint)
    if is_hidden:
        hint = f"make one with 'git init --bare {quoted}'" if path else "make one there, or check its permissions"
        return UnavailableError(f"{shown} is not a git repository, or is hidden", hint)
    if _TRANSIENT.search(said):
        return TransientError(f"{shown} does not answer: {words}", "try again")
    return UnavailableError(f"git cannot use {shown}: {words}", "run 'git ls-remote' by hand to see the reason")


def is_overtaken(done: ProgramResult) -> bool:
    """Return whether a push was refused because of another client's push."""
    return _OVERTAKEN.search(refusal(done).lower()) is not None and not _is_forbidden(done)


def refusal(done: ProgramResult) -> str:
    """Return the reason why git or the server refused a push; empty if the push failed in another way."""
    for line in done.output.decode("utf-8", "replace").splitlines():
        if line.startswith("!\t"):
            return one_line(line.rpartition("\t")[2])
    return ""


def refused(done: ProgramResult, shown: str, branch: str) -> CrdtctlError:
    """Return the error for a push that was refused permanently."""
    reason = refusal(done)
    if _CHECKED_OUT.search(reason):
        return checked_out(shown, branch)
    words = one_line("; ".join([reason, *_push_lines(done)]))
    if _DAMAGED.search(words):
        return damaged(shown, words)
    message = f"{shown} refuses pushes to '{branch}': {words}"
    if NO_ROOM.search(done.errors):
        return StorageError(message, "nothing was changed there; free some space there and try again")
    if _NOT_STORED.search(f"{reason} {done.errors}"):
        return TransientError(message, "try again")
    if "hook declined" in reason:
        return AccessError(message, f"if it concerns the author or the message of commits, set {IDENTITY}")
    if _is_forbidden(done):
        return AccessError(message, "check the owner and mode of its files")
    return AccessError(message, "check that you may push to this branch")


def damaged(shown: str, words: str) -> CrdtctlError:
    """Return the error for a repository with missing or unreadable objects."""
    return UnavailableError(
        f"the repository {shown} is damaged or not readable: {words}",
        "run 'git fsck' there, and check the owner and mode of its files",
    )


def in_the_way(done: ProgramResult, shown: str, branch: str) -> CrdtctlError | None:
    """Return the error for a branch whose name excludes the wanted one, or None."""
    found = _IN_THE_WAY.search(done.errors)
    if found is None:
        return None
    return UnavailableError(
        f"the branch '{printable(found[1])}' at {shown} excludes a branch '{branch}': git cannot have both",
        "use another branch: URL#BRANCH",
    )


def stuck(done: ProgramResult, shown: str, branch: str, *, is_seen: bool) -> CrdtctlError:
    """Return the error for a push that is refused repeatedly while the branch does not change.

    The branch `is_seen` if the repository lists it.
    """
    reason = refusal(done)
    words = one_line("; ".join([reason, *_server_lines(done)]))
    if found := _LOCK.search(done.errors):
        return TransientError(
            f"{shown} cannot change '{branch}': the lock file {one_line(found[1])} exists",
            "try again; if no git is running there, a killed one left the file: delete it",
        )
    if not is_seen and "stale info" in reason:
        return UnavailableError(
            f"{shown} has a hidden branch '{branch}': {words}",
            "check uploadpack.hideRefs and transfer.hideRefs there, or use another branch: URL#BRANCH",
        )
    return TransientError(f"{shown} refuses pushes to '{branch}' repeatedly: {words}", "try again")


def _push_lines(done: ProgramResult) -> list[str]:
    """Return the lines with the reason for a refused push, from the server or from git."""
    return _server_lines(done) or [line for line in _reasons(done) if "failed to push some refs" not in line][-2:]


def _reasons(done: ProgramResult) -> list[str]:
    """Return the lines with the reason for a failure, without warnings and without git's general advice."""
    lines = [line for line in done.errors.splitlines() if line.strip() and not _ADDED.search(line)]
    return [line for line in lines if not line.startswith("warning: ")] or lines


def _is_forbidden(done: ProgramResult) -> bool:
    return any(_NOT_LET_IN.search(line.lower()) for line in _reasons(done))


def _server_lines(done: ProgramResult) -> list[str]:
    """Return the lines from the server."""
    lines = [line.removeprefix(_REMOTE).strip() for line in done.errors.splitlines() if line.startswith(_REMOTE)]
    return [line for line in lines if line]


def checked_out(shown: str, branch: str) -> CrdtctlError:
    """Return the error for a branch that is checked out."""
    return UnavailableError(
        f"the branch '{branch}' is checked out at {shown}", "use another branch, for crdtctl alone: URL#BRANCH"
    )
