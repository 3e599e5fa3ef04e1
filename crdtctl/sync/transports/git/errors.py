"""What git says when another repository cannot be reached, as one of our failures. Pure."""

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
_PASSING = re.compile(
    r"could not resolve|unable to look up|name or service not known|temporary failure|connection (refused|reset|closed)"
    r"|(failed|unable|couldn't|could not) (to )?connect|timed? ?out|unreachable|no route to host|broken pipe"
    r"|returned error: (429|5\d\d)|hung up|early eof|unexpected disconnect|couldn't find remote ref"
)
#: Somebody else changed the branch, or does so just now.
_OVERTAKEN = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to (update|lock)"
    r"|incorrect old value|already exists"
)
NO_ROOM: Final = re.compile("no space left|quota exceeded|read-only file system", re.IGNORECASE)
#: What a repository there lacks, or what in it cannot be read.
_DAMAGED = re.compile(
    r"is corrupt|bad object|missing necessary objects|missing (blob|tree|commit) object|not our ref"
    r"|unable to (read (tree|sha1|[0-9a-f]{40})|parse object|open loose object)|object file .* is empty"
    r"|could not parse (commit|object)|cannot be accessed|bad (tree|commit|ref)\b|inflate: data stream error"
)
#: What passes by itself when the other side stores what was pushed.
_NOT_STORED = re.compile("unable to migrate objects")
#: A branch and another one whose name begins with its name, and a slash, cannot both be.
_IN_THE_WAY = re.compile(r"'refs/heads/([^']*)' exists; cannot create")
#: The file that a git makes while it changes a branch, and leaves behind if it is killed.
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
#: What git adds to many failures, whatever they were.
_ADDED = re.compile(r"could not read from remote|correct access rights|and the repository exists", re.IGNORECASE)
#: What a server said, of which each line is marked.
_REMOTE: Final = "remote: "


def misconfigured(done: ProgramResult, own: str) -> CrdtctlError | None:
    """Return what is wrong with the user's settings of git, if git failed for that.

    The settings of the repository `own` are not the user's, nor are those of a repository that was to be reached.
    """
    if _ADDED.search(done.errors):
        return None
    lines = [line for line in done.errors.splitlines() if not line.startswith(_REMOTE)]
    if any(_IDENTITY.search(line) for line in lines):
        return ConfigError(f"git cannot make a commit: {done.last_lines}", f"see {IDENTITY}")
    wrong = [line for line in lines if _SETTING.search(line)]
    files = [found[1] for line in wrong if (found := _SETTING_FILE.search(line))]
    if not wrong or any(file.startswith(own) for file in files):
        return None
    words = one_line("; ".join(wrong[-2:]))
    return ConfigError(f"git's settings are wrong: {words}", "see 'git config --list --show-origin'")


def failure(done: ProgramResult, shown: str, path: str = "", *, is_readable: bool = False) -> CrdtctlError:
    """Return why git did not reach what is `shown` to users, and is at `path`, if it is on this machine.

    Of one that `is_readable`, "no such repository" means that it may not be written.
    """
    lines = _reasons(done)
    said = "\n".join(lines).replace(path, "").lower()  # a path may sound like anything
    words = one_line("; ".join(lines[-2:])) or done.last_lines
    if NO_ROOM.search(said):
        is_there = is_readable or any(line.startswith(_REMOTE) for line in lines)
        where = f"at {shown}" if is_there else f"here for what is fetched from {shown}"
        return StorageError(f"there is no room {where}: {words}", "nothing was changed; free some space and try again")
    if _SETTING.search(said):
        return UnavailableError(f"the settings of the repository {shown} are wrong: {words}", "mend its file 'config'")
    if _NO_OPTIONS.search(said):
        return UnavailableError(f"{shown} takes no push options", "see push.pushOption in 'git config --list'")
    if _DAMAGED.search(said):
        if is_readable and not _said_there(done):
            return TransientError(f"what is kept here of {shown} is damaged: {words}", "try again")
        return damaged(shown, words)
    if _CHATTER.search(said):
        return UnavailableError(
            f"{shown}: a shell prints something at login, which is no git: {words}",
            "let its .bashrc or .profile print nothing where there is no terminal",
        )
    quoted = shlex.quote(path)
    if _DUBIOUS.search(said):
        trust = f"git config --global --add safe.directory {quoted}"
        return AccessError(
            f"{shown} belongs to another user, so git does not trust it", f"if you do: '{trust}'" if path else words
        )
    if _CHANGED_HOST.search(said):
        return AccessError(
            f"{shown}: its host key has changed", "find out why, before you forget the old one with ssh-keygen -R"
        )
    if _UNKNOWN_HOST.search(said):
        return AccessError(f"{shown}: its host key is not known here", "connect once with ssh and compare the key")
    is_hidden = _NO_REPOSITORY.search(said) is not None
    if _NOT_LET_IN.search(said) or (is_hidden and is_readable):
        hint = "see the owner and mode of its files" if path else "see git's credential helper, or ssh's key or agent"
        return AccessError(f"{shown} does not let us in: {words}", hint)
    if is_hidden:
        hint = f"make one with 'git init --bare {quoted}'" if path else "make one there, or see who may read it"
        return UnavailableError(f"there is no git repository at {shown}", hint)
    if _PASSING.search(said):
        return TransientError(f"{shown} does not answer: {words}", "try again")
    return UnavailableError(f"git cannot use {shown}: {words}", "see 'git ls-remote' by hand")


def is_overtaken(done: ProgramResult) -> bool:
    """Return whether a push was refused because of another one."""
    return _OVERTAKEN.search(refusal(done).lower()) is not None and not _is_forbidden(done)


def refusal(done: ProgramResult) -> str:
    """Return why a push was refused, by git here or by the other side; nothing if it was not, but went wrong."""
    for line in done.output.decode("utf-8", "replace").splitlines():
        if line.startswith("!\t"):
            return one_line(line.rpartition("\t")[2])
    return ""


def refused(done: ProgramResult, shown: str, branch: str) -> CrdtctlError:
    """Return the failure that stands for a push that was refused for good."""
    reason = refusal(done)
    if _CHECKED_OUT.search(reason):
        return checked_out(shown, branch)
    words = one_line("; ".join([reason, *_said_of_push(done)]))
    if _DAMAGED.search(words):
        return damaged(shown, words)
    message = f"{shown} refuses what is pushed to '{branch}': {words}"
    if NO_ROOM.search(done.errors):
        return StorageError(message, "nothing was changed there; free some space there and try again")
    if _NOT_STORED.search(f"{reason} {done.errors}"):
        return TransientError(message, "try again")
    if "hook declined" in reason:
        return AccessError(message, f"if that is about who commits, or the message: see {IDENTITY}")
    if _is_forbidden(done):
        return AccessError(message, "see the owner and mode of its files")
    return AccessError(message, "may you push to this branch?")


def damaged(shown: str, words: str) -> CrdtctlError:
    """Return the failure that stands for a repository that lacks something, or of which something cannot be read."""
    return UnavailableError(
        f"the repository {shown} is damaged, or not all of it may be read: {words}",
        "see 'git fsck' there, and the owner and mode of its files",
    )


def in_the_way(done: ProgramResult, shown: str, branch: str) -> CrdtctlError | None:
    """Return the failure that names the branch which makes another one impossible, if there is one."""
    found = _IN_THE_WAY.search(done.errors)
    if found is None:
        return None
    return UnavailableError(
        f"the branch '{printable(found[1])}' at {shown} is in the way of '{branch}': git cannot have both",
        "name another one: URL#BRANCH",
    )


def stuck(done: ProgramResult, shown: str, branch: str, *, is_seen: bool) -> CrdtctlError:
    """Return what stands in the way of a push that is refused again and again, while the branch does not change.

    The branch `is_seen` if it is listed there.
    """
    reason = refusal(done)
    words = one_line("; ".join([reason, *_said_there(done)]))
    if found := _LOCK.search(done.errors):
        return TransientError(
            f"{shown} cannot change '{branch}': {one_line(found[1])} is there",
            "try again; a git that was killed may have left it: if none is at work there, delete it",
        )
    if not is_seen and "stale info" in reason:
        return UnavailableError(
            f"{shown} has a branch '{branch}' that it does not show: {words}",
            "see uploadpack.hideRefs and transfer.hideRefs there, or name another one: URL#BRANCH",
        )
    return TransientError(f"{shown} refuses what is pushed to '{branch}' again and again: {words}", "try again")


def _said_of_push(done: ProgramResult) -> list[str]:
    """Return the lines that may say why the other side did not take a push, with or without its mark."""
    return _said_there(done) or [line for line in _reasons(done) if "failed to push some refs" not in line][-2:]


def _reasons(done: ProgramResult) -> list[str]:
    """Return the lines that may say why git failed: no warnings, and not what it adds to every failure."""
    lines = [line for line in done.errors.splitlines() if line.strip() and not _ADDED.search(line)]
    return [line for line in lines if not line.startswith("warning: ")] or lines


def _is_forbidden(done: ProgramResult) -> bool:
    return any(_NOT_LET_IN.search(line.lower()) for line in _reasons(done))


def _said_there(done: ProgramResult) -> list[str]:
    """Return the lines that the other side said."""
    lines = [line.removeprefix(_REMOTE).strip() for line in done.errors.splitlines() if line.startswith(_REMOTE)]
    return [line for line in lines if line]


def checked_out(shown: str, branch: str) -> CrdtctlError:
    """Return the failure that says that somebody works on the branch."""
    return UnavailableError(
        f"the branch '{branch}' is checked out at {shown}", "name another one, that only crdtctl uses: URL#BRANCH"
    )
