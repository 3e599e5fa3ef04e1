"""Limits of a merge. None of them changes its result, only its memory, speed and report."""

#: Maximum number of input files joined in one pass. More are joined in groups of this size first.
GROUP_SIZE = 128
#: Maximum number of bytes of small input files kept in memory.
GROUP_BYTES = 2**22
#: Minimum number of input bytes that make a second process worth its start.
PARALLEL_FROM_BYTES = 2**23
#: Number of counters after which progress is reported again.
PROGRESS_INTERVAL = 1000
#: Maximum number of file names, of replicas and of second types that are recorded for one merge.
MAX_NOTED = 20
