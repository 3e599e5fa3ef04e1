"""A git remote as the meeting point of a team: commits are counted, and counters travel on a branch of their own."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.examples.recipes import EXAMPLES, Machine

RECIPE = EXAMPLES / "git-meeting-point.sh"


def clone_of(machine: Machine, remote: Path) -> Machine:
    """Return the same machine, with a clone of the team's repository."""
    known = machine.with_environment(
        GIT_AUTHOR_EMAIL="x@example.org", GIT_COMMITTER_EMAIL="x@example.org", GIT_CONFIG_NOSYSTEM="1"
    )
    name = machine.home.parent.name
    known.run(["git", "config", "--global", "user.name", f"{name.title()} of the team"])
    known.run(["git", "config", "--global", "init.defaultBranch", "main"])
    assert known.run(["git", "clone", "-q", remote, "clone"]).status == 0
    return known


def test_a_team_counts_its_commits(machine: Callable[[str], Machine], tmp_path: Path) -> None:
    machine("admin").ok(["git", "init", "-q", "--bare", tmp_path / "team.git"])
    team = [clone_of(machine(name), tmp_path / "team.git") for name in ("ann", "bob")]
    for number, member in enumerate(team, 1):
        clone = member.home / "clone"
        member.ok([RECIPE, "install"], clone)
        member.ok([RECIPE, "install"], clone)  # again, which changes nothing
        for turn in range(number):
            member.ok(["git", "commit", "-q", "--allow-empty", "-m", f"commit {turn}"], clone)
        assert member.run(["git", "push", "-q", "origin", f"HEAD:refs/heads/{number}"], clone).status == 0
    shown = [member.ok([RECIPE], member.home / "clone") for member in team]
    assert [line.split("\t")[0::3] for line in shown[0].splitlines()] == [["commits", "1"], ["commits", "2"]]
    assert shown == [shown[0]] * 2
    for member in team:
        assert member.ok("git status --porcelain", member.home / "clone") == ""
        assert os.listdir(member.home / "clone") == [".git"]


def test_urls_of_git_are_turned_into_those_of_remotes(machine: Callable[[str], Machine]) -> None:
    ann = machine("ann")
    ann.ok("git init -q clone 2>/dev/null")
    clone = ann.home / "clone"
    ann.ok("git remote add origin x", clone)
    for given, wanted in {
        "https://example.org/team/app.git": "git+https://example.org/team/app.git",
        "ssh://git@example.org:22/team/app": "git+ssh://git@example.org:22/team/app",
        "git@example.org:team/app.git": "git+ssh://git@example.org/team/app.git",
        "/srv/git/app.git": "git+file:///srv/git/app.git",
        "../app.git": f"git+file://{clone}/../app.git",
    }.items():
        ann.ok(["git", "remote", "set-url", "origin", given], clone)
        assert ann.ok([RECIPE, "url"], clone) == f"{wanted}\n"
