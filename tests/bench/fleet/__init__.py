"""``python -m tests.bench.fleet``: the rounds and bytes of a fleet until all replicas have all counts, by its layout.

Ten thousand real replicas would take a day. So a model counts for each replica the replicas whose counts it has. A test
compares it with real replicas that sync in the same order: rounds, requests and bytes are equal. The cost of hand-offs
and sealed jobs grows only with their number, so it is taken from real ones, of one region or of a few jobs.
``python -m tests.bench.fleet --write`` writes the results into README.md.

``__main__``  the command line, and the table
``model``     the counts that each replica has, as the bits of a whole number; and the sizes of objects
``real``      the same with replicas, folders and `sync`; hand-offs in a region, and jobs that are absorbed
"""
