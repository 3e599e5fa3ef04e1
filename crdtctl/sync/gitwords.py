"""What git says when another repository cannot be reached, as one of our failures. Pure."""

import re
import shlex
from typing import Final

from crdtctl.errors import AccessError, CrdtctlError, TransientError, UnavailableError
from crdtctl.sync.child import Done, told

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
_CHECKED_OUT = re.compile(r"checked.out|branch is currently")
#: What git adds to many failures, whatever they were.
_ADDED = re.compile(r"could not read from remote|correct access rights|and the repository exists", re.IGNORECASE)
#: What a server said, of which each line is marked.
_REMOTE: Final = "remote: "


def failure(done: Done, shown: str, path: str = "", *, is_readable: bool = False) -> CrdtctlError:
    """Return why git did not reach what is `shown` to users, and is at `path`, if it is on this machine.

    Of one that `is_readable`, "no such repository" means that it may not be written.
    """
    lines = [line for line in done.errors.splitlines() if line.strip() and not _ADDED.search(line)]
    said = "\n".join(lines).replace(path, "").lower()  # a path may sound like anything
    words = told("; ".join(lines[-2:])) or done.last_words
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


def is_overtaken(done: Done) -> bool:
    """Return whether a push was refused because of another one."""
    return _OVERTAKEN.search(refusal(done).lower()) is not None and not _NOT_LET_IN.search(done.errors.lower())


def refusal(done: Done) -> str:
    """Return why a push was refused, by git here or by the other side; nothing if it was not, but went wrong."""
    for line in done.output.decode("utf-8", "replace").splitlines():
        if line.startswith("!\t"):
            return told(line.rpartition("\t")[2])
    return ""


def refused(done: Done, shown: str, branch: str) -> CrdtctlError:
    """Return the failure that stands for a push that was refused for good."""
    reason = refusal(done)
    if _CHECKED_OUT.search(reason):
        return checked_out(shown, branch)
    lines = [line.removeprefix(_REMOTE).strip() for line in done.errors.splitlines() if line.startswith(_REMOTE)]
    words = told("; ".join([reason, *(line for line in lines if line)]))
    return AccessError(f"{shown} refuses what is pushed to '{branch}': {words}", "may you push to this branch?")


def checked_out(shown: str, branch: str) -> CrdtctlError:
    """Return the failure that says that somebody works on the branch."""
    return UnavailableError(
        f"the branch '{branch}' is checked out at {shown}", "name another one, that only crdtctl uses: URL#BRANCH"
    )
