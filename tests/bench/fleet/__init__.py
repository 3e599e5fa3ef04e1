"""``python -m tests.bench.fleet``: how many rounds and bytes a fleet takes until all know all, by how it is laid out.

Ten thousand real replicas would take a day, so a model counts who knows whom, and a test compares it with real replicas
that meet in the same order: rounds, requests and bytes are the same. What hand-overs and sealed jobs take grows with
their number alone, so it is taken from real ones, of one region or of a few.

``__main__``  the command line, and the table
``model``     who knows whom, as the bits of whole numbers; and how large the objects are
``real``      the same with replicas, folders and `sync`; hand-overs in a region, and jobs that are absorbed
"""
