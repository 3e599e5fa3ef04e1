"""A replica on disk: locks, durable writes, identity. This page is the write order.

The files of a replica
----------------------
::

    .crdtctl/
      own.json        identity, and this replica's own entries: an increment touches only this file
      own.recent.json the latest changes of a large own.json: there, an increment touches only this file
      known.json      everything learned from other replicas: a merge touches this file
      config.toml     settings, for people to edit
      own.lock        held while own.json changes; never deleted
      known.lock      held while known.json changes; never deleted; taken before own.lock
      config.lock     held while crdtctl changes config.toml; never deleted
      sync.lock       held during a sync; never deleted
      log.jsonl       events, for people only
      log.old.jsonl   older events
      .gitignore      "*": an identity is never shared

Reading
-------
Readers take no lock. A `snapshot` opens ``own.json``, ``own.recent.json`` if there is one, and then ``known.json``. If
the first two names still belong to the opened files after that, all are from one moment; otherwise they are opened
again. Files are only replaced,
never changed in place, so a snapshot stays as it was.

Writing
-------
All writes go through a `transaction`, which holds the locks. Exit status 0 means: on disk, once. Every change of a
state file takes these steps, in this order:

0. File descriptors 0 to 2 *must* be open, so that no state file becomes standard output. The directory
   is opened first, not through a symbolic link, and all further steps happen inside that directory.
1. The lock is taken: an exclusive ``flock`` on the lock file, which is not a symbolic link. The name of the lock file
   *must* still belong to the locked file, or the lock is taken again.
2. The old state is read: a regular file, not a link, with the right checksum. ``own.json`` *must* have the identity
   that it records, or the id ends, see below.
3. The new state is computed. If nothing changes, nothing is written.
4. It is written whole to a new file in the same directory, which is fsynced and closed.
   On any error the new file is deleted: *not applied*.
5. The lock is checked again, and the new file is renamed over the old one.
   On any error the new file is deleted: *not applied*.
6. The directory is fsynced. On an error: *outcome unknown*. A file system that does not sync directories
   keeps names in its own way, and nothing is left to do.
7. The number of writes is recorded in the witness of ``own.json``, in place and without an fsync. The witness may have
   a smaller number than the file, never a larger one. Only then is anything printed.

A failed fsync is never tried again on the same file. Nothing is truncated in place. No lock file is ever deleted. The
drafts of killed processes are deleted by the next writer, under the lock.

Two changes concern both files, one after the other: a merge of hand-offs writes ``known.json`` first, and `absorb`
writes ``own.json`` first. Each leaves a true state between the two writes, and repeating it completes it. If the second
write fails, the outcome is unknown. Absorbed entries move from ``known.json`` to ``own.json``. A reader between the two
writes hides them in ``known.json`` (`retirement`).

The latest changes of a large own.json
--------------------------------------
From 256 KiB on, ``own.json`` has a *base* in its header, a random nonce, and there is an ``own.recent.json`` (`recent`,
`joined`). Its header is the replica's present one. It records the nonce and the CRC-32 of each block of ``own.json``.
Its lines replace those of ``own.json``. The lock of ``own.json`` guards both. A commit takes the steps above for one:

* If the changed lines are at most 32 KiB together, ``own.recent.json`` is replaced.
* Otherwise ``own.json`` is replaced, with all changes and a new nonce. This commit is then done. After that,
  ``own.recent.json`` is replaced by one of the new nonce without lines. A failure of that is ignored.
* Before the first ``own.json`` with a nonce, an ``own.recent.json`` is written. So it is never missing.

A kill or a power cut leaves one of these pairs, and no other:

* equal nonces: the lines of ``own.recent.json`` are newer than those of ``own.json``;
* different nonces, and ``own.json`` counts at least as many writes: it contains the changes already, and
  ``own.recent.json`` is ignored. The next commit sums up the blocks of ``own.json`` and replaces ``own.recent.json``;
* an ``own.json`` without a nonce: ``own.recent.json`` is ignored.

Any other pair is refused: another replica's file, and an ``own.recent.json`` with more writes than an ``own.json`` of
another nonce. Each file records its own file identity, and the witness counts the writes of both. So older versions of
one or both are noticed like a restored ``own.json``, and a missing ``own.recent.json`` ends the id as well. A replica
without a witness has only ``own.json``. Whatever a commit depends on was verified: each block of ``own.json`` that is
read is compared with its checksum, and so is the whole file before it is replaced.

Streams and followed files
--------------------------
A stream (`stream`, `group_commit`) is a sequence of commits, each with its own lock. What it acknowledges has passed
step 6. A follower (`follower`) records its position in the followed file in the commit that counts the lines, in the
header of ``own.json``. The commit *must* find the position that it begins at, or another process counts the same file.
A position is kept when the id changes, because the counts up to it are kept as well.

One id, one writer
------------------
``own.json`` records its file identity (`binding`), and a witness outside the directory records the number of its
writes. A copy has another identity, and a restored backup has fewer writes than its witness. Then the id ends before
anything is written under it: with both locks held, all entries in ``own.json`` move to ``known.json`` as learned ones,
and an ``own.json`` with a fresh id replaces the old one (`transaction`). If only the first write happens, the next
writer does both again, to the same end. Before the first byte of an exported state leaves, ``own.json`` records an
export marker with a nonce. So a clone that this replica cannot notice is found when the states of both are merged
(`crdtctl.crdt.forks`).
"""
