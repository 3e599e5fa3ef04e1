"""Long text on a terminal goes through the user's pager, as git does it."""

import os

#: less quits if the text fits on the screen, keeps colours, and leaves the text on the screen.
_LESS = "FRX"


def pager(lines: int) -> str | None:
    """Return the command of the pager for a text of this number of lines on standard output, or None."""
    command = os.environ.get("PAGER", "less").strip()
    if not os.isatty(1) or os.environ.get("TERM", "dumb") == "dumb" or not command:
        return None
    height = os.get_terminal_size(1).lines
    return command if height and lines >= height else None


def keeps_colours() -> bool:
    """Return whether the options that the user gave to less let it show colours."""
    options = os.environ.get("LESS", _LESS)
    return "r" in options.lower()


def through(command: str, text: str) -> bool:
    """Show a text in a pager until the user leaves it; return False if the pager cannot be run."""
    import signal
    import subprocess

    environment = {"LESS": _LESS, "LV": "-c", **os.environ}
    process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, env=environment)
    # Ctrl-C is for the pager.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.communicate(text.encode("utf-8", "backslashreplace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return process.returncode not in (126, 127)
