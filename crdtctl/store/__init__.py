"""A replica on disk: locks, durable writes, identity. This page is the write order.

The files of a replica
----------------------
::

    .crdtctl/
      own.json      identity, and this replica's own contributions: all that an increment touches
      known.json    everything learned from others: all that a merge touches
      config.toml   settings, for people to edit
      own.lock      held while own.json changes; never deleted
      known.lock    held while known.json changes; never deleted; taken before own.lock
      log.jsonl     what happened here, for people; nothing depends on it
      .gitignore    "*": an identity is never shared

The write order
---------------
Exit status 0 means: on disk, once. Every change of a state file goes through these steps, in this order:

0. File descriptors 0 to 2 *must* be open, so that no state file becomes standard output. The directory
   is opened first, not through a symbolic link, and everything after happens inside that directory.
1. The lock is taken: an exclusive ``flock`` on the lock file, which is not a symbolic link. The locked
   file *must* be the one that the name still stands for, else again.
2. The old state is read: a regular file, not a link, its checksum right. ``own.json`` *must* be the file
   that it says it is, else its id ends, see below.
3. The new state is computed. If nothing changes, nothing is written.
4. It is written whole to a new file in the same directory, which is fsynced and closed.
   On any error the new file is deleted: *not applied*.
5. The lock is checked again; the new file is renamed over the old one.
   On any error the new file is deleted: *not applied*.
6. The directory is fsynced. On an error: *outcome unknown*. A file system that does not sync directories at all
   keeps names in its own way: there, nothing is left to do.
7. The witness of ``own.json`` is told, in place and without being fsynced: it may know less, never more.
   Only then is anything printed.

A failed fsync is never tried again on the same file, nothing is truncated in place, no lock file is ever
deleted, and what a killed process left behind is swept by the next writer, under the lock.

Readers take no lock: they read ``own.json`` and then ``known.json``, each of them whole at any moment, and
the join of any two versions is a state that was true.

Two changes are of both files, one after the other: `handoffs` writes ``known.json`` first, and `absorb` ``own.json``.
Each leaves a true state between the two, and doing it again does the rest; if the second fails, the outcome is
unknown. What is absorbed leaves ``known.json``, against the direction in which everything else goes, so a reader looks
once more whether ``own.json`` still says the same of that.

One id, one writer
------------------
``own.json`` records what file it is (`binding`), and a witness outside the directory how often it was written. A
copy, or an older version put back, is neither that file nor as new as its witness says. Then, before anything
is written under it, the id ends: with both locks held, everything in ``own.json`` goes to ``known.json``, as learned,
and ``own.json`` begins anew under a fresh id (`identity`). If only the first happens, the next writer does both
again, to the same end. A state that leaves is noted in ``own.json`` before its first byte does (a departure), so
that a clone which nothing here gives away is found where the states of both meet (`crdtctl.crdt.forks`).
"""
