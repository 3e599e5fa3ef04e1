"""``python -m tests.bench``: the promises about speed and memory, measured against the alternatives for the same work.

Whole processes are measured, from their start to their end, in turns (A B A B …), in the same run. The medians are
compared. Every command's result is checked, so a fast wrong answer cannot pass. With ``--write``, the results go into
README.md.

``__main__``      the command line
``process``       one process: how long it took, and its peak memory
``contest``       commands that do the same work, in turns
``ground``        the temporary directory, and the replicas and files in it
``amounts``       the amounts that they count: the oracle of every check
``small_states``  a program of its own: makes many small states
``counting``      rows: one increment, one look-up
``bulk``          rows: batches and merges
``many_lines``    rows: states of one replica each, states without news, and all values
``meetings``      rows: syncs among many
``starts``        rows: the other commands
``report``        medians and ratios, as a Markdown table
``fleet``         a program of its own: rounds and bytes until all replicas of a fleet have all counts
"""
