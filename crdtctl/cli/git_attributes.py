"""Lines of ``.gitattributes`` that give state files to the merge driver. Pure."""

from __future__ import annotations

#: The name of the merge driver and of the diff driver in git.
NAME = "crdtctl"
_ATTRIBUTES = f"merge={NAME} diff={NAME}"
#: Characters with a meaning in a pattern of git.
_SPECIAL = "\\*?["


def of_pattern(pattern: str, prefix: str) -> str:
    """Return the line for a pattern that was given in the folder `prefix` of the work tree ('', or it ends with '/').

    >>> of_pattern("*.json", ""), of_pattern("*.json", "a b/")
    ('*.json merge=crdtctl diff=crdtctl', '"/a b/**/*.json" merge=crdtctl diff=crdtctl')
    """
    if not prefix:
        return _line(pattern)
    return _line(f"/{_literal(prefix)}{pattern.lstrip('/') if '/' in pattern else f'**/{pattern}'}")


def of_file(path: str) -> str:
    """Return the line for one file, by its path in the work tree."""
    return _line(f"/{_literal(path)}")


def with_lines(text: str, lines: list[str]) -> tuple[str, list[str]]:
    """Return the text of a file with the lines at its end, and those of them that it lacked.

    `without_ours` returns exactly the text before, also if that has no line feed at its end.
    """
    there = text.split("\n")
    known = {one.rstrip("\r") for one in there}
    added = [one for one in dict.fromkeys(lines) if one not in known]
    if not added:
        return text, []
    if there[-1] == "":
        return "\n".join([*there[:-1], *added, ""]), added
    return "\n".join([*there, *added]), added


def without_ours(text: str) -> tuple[str, list[str]]:
    """Return the text of a file without the lines of `with_lines`, and these."""
    there = text.split("\n")
    return "\n".join([one for one in there if not is_ours(one)]), [one for one in there if is_ours(one)]


def is_ours(line: str) -> bool:
    """Return whether a line has the attributes of state files, and no others."""
    return line.rstrip("\r").endswith(f" {_ATTRIBUTES}") and not line.startswith("#")


def _literal(path: str) -> str:
    return "".join([f"\\{one}" if one in _SPECIAL else one for one in path])


def _line(pattern: str) -> str:
    if any(one in pattern for one in ' \t"') or pattern.startswith(("#", "!", "[attr]")):
        escaped = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
        pattern = f'"{escaped}"'
    return f"{pattern} {_ATTRIBUTES}"
