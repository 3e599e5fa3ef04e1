"""``python -m tests.bench``: what is promised about speed and memory, measured against what one would use instead.

Whole processes are measured, from their start to their end, in turns (A B A B …), on the same work in the
same run; the medians are compared. Every command's result is checked, so a fast wrong answer cannot pass.
README.md holds the results: ``python -m tests.bench --write`` writes it.

``__main__``      the command line
``process``       one process: how long it took, and its peak memory
``contest``       commands that do the same work, in turns
``ground``        the temporary directory, and the replicas and files in it
``amounts``       what is counted in them: the oracle of every check
``small_states``  a program of its own: makes many small states
``counting``      rows: one increment, one look-up
``bulk``          rows: batches and merges
``meetings``      rows: syncs among many
``starts``        rows: the other commands
``report``        medians and ratios, as a Markdown table
``fleet``         a program of its own: rounds and bytes until all replicas of a fleet know all
"""
