"""The functions of `heapq` from the extension that has them: that is a quicker import.

The library of the extension may be unreadable for a moment, and then `heapq` has its own.
"""

try:
    from _heapq import heapify, heappop, heapreplace
except ImportError:
    from heapq import heapify, heappop, heapreplace

__all__ = ["heapify", "heappop", "heapreplace"]
