"""Common faults of a replica and of its machine, each with the next step."""

from __future__ import annotations

import os
import stat
import time

from crdtctl.cli.durations import length, seconds_at
from crdtctl.errors import printable
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.store.reader import Reader
    from crdtctl.store.snapshot import Snapshot

#: Largest difference of two clocks in seconds that is tolerated.
_AHEAD = 300
#: The PATH of cron on most systems.
_CRON_PATH = "/usr/bin:/bin"
#: Program → the beginnings of the URLs that need it, and the word that makes it print its version.
_PROGRAMS = {
    "ssh": (("ssh://", "git+ssh://"), "-V"),
    "git": (("git+",), "--version"),
    "rclone": (("rclone:",), "version"),
}


class Diagnosis(NamedTuple):
    """The result of one check: its subject, whether it passed, and the text about it, with advice for a fault."""

    what: str
    ok: bool
    found: str


def of_machine(replica: Reader, now: Snapshot, moment: float) -> Iterator[Diagnosis]:
    """Yield the diagnoses of this machine and of the place of a replica, at a `moment` in seconds since 1970."""
    yield _clock(now, moment)
    yield _home()
    yield _file_system(replica.path)
    yield _sharing(replica.path)
    yield _state()
    yield from _surroundings(replica.path)


def of_replica(now: Snapshot) -> Iterator[Diagnosis]:
    """Yield the diagnoses of the ids that a replica has and knows."""
    from crdtctl.store.identity import OFTEN, often

    past = now.past()
    yield Diagnosis("copies", len(past) < OFTEN, often(len(past)) if len(past) >= OFTEN else _number(len(past)))
    odd = [f"{fork.replica} is a fork: see 'crdtctl settle --help'" for fork in now.forks()]
    odd += [f"{one}: see 'crdtctl settle --help'" for one in now.returned()]
    yield from (Diagnosis("copies", False, text) for text in odd)
    piled = now.piled_up()
    yield from (Diagnosis("ids", False, text) for text in piled)
    if not piled:
        yield Diagnosis("ids", True, f"{len(now.clock())} known")


def of_programs(urls: list[str], cron_path: str = _CRON_PATH) -> Iterator[Diagnosis]:
    """Yield the diagnoses of the programs that reach the remotes with these URLs."""
    from shutil import which

    for program, (starts, word) in _PROGRAMS.items():
        if not any(url.startswith(starts) for url in urls):
            continue
        path = which(program)
        if path is None:
            yield Diagnosis(program, False, f"{program} is not installed, and a remote needs it: install it")
            continue
        yield Diagnosis(program, True, f"{printable(path)}, {_version(path, word)}")
        if which(program, path=cron_path) is None:
            advice = "use the line that 'crdtctl cron' prints, which has it"
            yield Diagnosis("cron", False, f"the PATH of cron, {cron_path}, has no {program}: {advice}")


def _clock(now: Snapshot, moment: float) -> Diagnosis:
    latest = max((seconds_at(when) or 0 for when in now.heard().values()), default=0)
    if latest > moment + _AHEAD:
        found = f"it is {length(latest - moment)} behind the last merge: set the clock, for example by NTP"
        return Diagnosis("clock", False, found)
    return Diagnosis("clock", True, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)))


def _home() -> Diagnosis:
    import pwd

    given = os.environ.get("HOME", "")
    if not given or not os.path.isdir(given):
        return Diagnosis("home", False, f"HOME is '{printable(given)}', which is not a directory: set it in the job")
    try:
        usual = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        usual = given
    if os.stat(given).st_uid != os.geteuid():
        return Diagnosis(
            "home",
            False,
            f"HOME is {printable(given)}, which belongs to another user: name the replica with CRDTCTL_REPLICA",
        )
    other = "" if os.path.realpath(given) == os.path.realpath(usual) else f", while cron uses {printable(usual)}"
    return Diagnosis("home", True, f"{printable(given)}{other}")


def _file_system(path: str) -> Diagnosis:
    from crdtctl.sync.mounts import may_hang

    if may_hang(os.path.realpath(path)):
        return Diagnosis(
            "disk",
            False,
            "the replica is on a network file system, where locks of two machines may not see each other: "
            "keep it on a disk of this machine, and sync to a folder there",
        )
    return Diagnosis("disk", True, printable(path))


def _sharing(path: str) -> Diagnosis:
    mode = os.stat(path).st_mode
    if mode & stat.S_IWOTH:
        return Diagnosis("mode", False, f"every user may write to the replica: chmod o-w '{printable(path)}'")
    umask = os.umask(0o077)
    os.umask(umask)
    if mode & stat.S_IWGRP and umask & stat.S_IWGRP and not mode & stat.S_ISGID:
        return Diagnosis(
            "mode",
            False,
            f"the replica is shared with a group, but new files are not, as the umask is {umask:03o}: "
            f"chmod g+s '{printable(path)}', and umask 002",
        )
    return Diagnosis("mode", True, f"{stat.filemode(mode)}, umask {umask:03o}")


def _state() -> Diagnosis:
    from crdtctl.store.locate import in_user_state

    path = in_user_state()
    at = path
    while at and at != "/" and not os.path.exists(at):
        at = os.path.dirname(at)
    if not at or not os.path.isdir(at) or not os.access(at, os.W_OK):
        return Diagnosis(
            "state",
            False,
            f"the state directory {printable(path)} cannot be written, so copies of this replica are found later: "
            "set XDG_STATE_HOME, or make it writable",
        )
    return Diagnosis("state", True, printable(path))


def _surroundings(path: str) -> Iterator[Diagnosis]:
    from itertools import islice

    from crdtctl.store.neighbours import in_work_tree, neighbours

    found = [*in_work_tree(os.path.realpath(path))]
    yield from (Diagnosis("place", False, text) for text in found)
    if not found:
        yield Diagnosis("place", True, "outside of work trees")
    yield from (Diagnosis("others", True, str(other)) for other in islice(neighbours(path), 3))


def _number(past: int) -> str:
    return "it had one id" if not past else f"it had {past} earlier id{'' if past == 1 else 's'}"


def _version(path: str, word: str) -> str:
    """Return the first line of a program about its version."""
    import subprocess

    try:
        done = subprocess.run([path, word], capture_output=True, stdin=subprocess.DEVNULL, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "which did not print its version"
    lines = (done.stdout or done.stderr).decode(errors="replace").splitlines()
    return printable(lines[0][:80]) if lines else "which printed no version"
