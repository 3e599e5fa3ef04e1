"""Other users than the one who runs the tests."""

from typing import Final

#: Arguments of setpriv by which another user can read the program where only root can, as in root's own home
#: directory. The right to write stays the user's own.
READING: Final = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
