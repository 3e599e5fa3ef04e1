"""Packages outside the directory that this program is in.

The installed script starts Python without its `site` module, whose search for packages takes a fifth of a start. All
packages that a command needs are usually beside this one. If one is not, as in a virtual environment with the packages
of the system, the search is made then.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

#: Modules that the standard library and msgspec import if they exist, and do without.
_OPTIONAL = frozenset({"_wmi", "org", "typing_extensions"})


class _Elsewhere:
    """The last finder of modules: it lets `site` search for packages, once, and asks the other finders again."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, or None if it is nowhere."""
        if path is not None or name in _OPTIONAL or name in sys.stdlib_module_names:
            return None
        sys.meta_path.remove(self)
        import site

        site.main()
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


def search_late() -> None:
    """Search for packages when one is missing, if Python was started without `site`."""
    if sys.flags.no_site:
        sys.meta_path.append(_Elsewhere())
