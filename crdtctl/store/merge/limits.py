"""Limits of a merge. None of them changes its result, only its memory, speed and report."""

#: Maximum number of large input files joined in one pass. More are joined in groups of this size first.
GROUP_SIZE = 128
#: Maximum number of small input files joined in one pass, or in a group, and of their bytes. They are kept in memory.
GROUP_SMALL = 1024
GROUP_BYTES = 2**24
#: Minimum number of input bytes that make a second process worth its start.
PARALLEL_FROM_BYTES = 2**23
#: Minimum number of bytes in each process.
PROCESS_BYTES = 2**22
#: Minimum number of bytes that are joined in blocks of many lines.
BLOCKS_FROM_BYTES = 2**17
#: Maximum number of file names, of replicas and of second types that are recorded for one merge.
MAX_NOTED = 20


def processes(wanted: int, size: int) -> int:
    """Return the number of processes that join inputs of this size in bytes together."""
    return 1 if size < PARALLEL_FROM_BYTES else max(min(wanted, size // PROCESS_BYTES), min(wanted, 2), 1)
