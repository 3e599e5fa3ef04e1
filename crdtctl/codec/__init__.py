"""Bytes ↔ state: the only place that knows the wire form. This page is its specification.

The canonical text of a state
-----------------------------
A state is JSON, and it is lines: UTF-8, ``\\n``, no optional spaces, keys sorted by code point::

    {"crdtctl":1,"kind":"state","replica":"laptop-7f3a…","clock":{"hub-19c2…":3,"laptop-7f3a…":12},"counters":{
    "builds":{"pncounter":{"hub-19c2…":[3,7,1],"laptop-7f3a…":[12,5,0]}},
    "visitors":{"gset":{"laptop-7f3a…":[9,{"ada":3,"grace":9}]}}
    },"crc32":"89abcdef"}

* The first line is the header. Its fields, in this order:

  ``crdtctl``   the version of this format, 1. A reader refuses a version it does not know.
  ``kind``      ``state`` (all that is known), ``delta`` (what is newer than a clock), ``own`` (what this
                replica did: ``own.json``) or ``known`` (what it learned: ``known.json``).
  ``replica``   the id of the replica that wrote the file.
  ``clock``     author → number of the author's last commit that the file is complete up to, each ≥ 1.
  ``tags``      author → its departures, the states that left it: how many there were, and for each that is
                still kept its commit and its tag, ``COUNT SEQ.TAG SEQ.TAG …``, oldest first. Left out where
                there are none. `crdtctl.crdt.forks` says which are kept, and how they tell two writers apart.
  ``since``     only in a ``delta``: the clock that the receiver must cover.
  ``heard``     only in ``known``: author → when this replica last learned something of that author, in
                UTC. For people; nothing is decided by it, and it is never exported.
  ``settled``   branches of forks that somebody has settled, sorted. Not in ``own``.
  ``past``      only in ``known``: ids that this replica had before, oldest first, as
                ``[id, its last commit, why it ended, when]``. Never exported.
  ``unheard``   only in ``known``: earlier id → how many states had left under it, as far as is known. No state
                with that many has come since the id ended, so this replica absorbs nothing. Never exported.
  ``tier``      only in ``own``: the tier of a replica that is not permanent, 1 to 99. Never exported.
  ``binding``   only in ``own``: which file it is, ``INODE.GENERATION.FILESYSTEM.MACHINE``. Never exported.
  ``witness``   only in ``own``: the path of the file outside that remembers how often it was written.

  ``tags`` and the last six are left out where they would say nothing. A branch of a fork stands in ``clock``, in
  ``tags`` and as an author as ``ID~COUNT.TAG``, with ``~COUNT.TAG`` for each fork that it went through.

* Then one counter a line, sorted by name: ``"NAME":{TYPE:{AUTHOR:CONTRIBUTION,…},…}``. Every line but the
  last ends with a comma. None of these maps is empty.
* The last line holds the CRC-32 of all bytes before it, as eight lower-case hexadecimal digits.

A contribution is an array whose first item is the number of the author's commit that last changed it,
never above the author's entry in the clock:

  ``gcounter``   ``[seq, p, once, marks, once_marks]``
  ``pncounter``  ``[seq, p, n, once, marks, once_marks]``
  ``gset``       ``[seq, elements, marks]``
  ``hll``        ``[seq, SKETCH]``                          a text, see `crdtctl.crdt.hyperloglog`
  ``bcounter``   ``[seq, created, used, bounds, gifts, requests, claims, begun]``, at least the first three.
                 bounds: the lower bounds that the author declared, sorted as text: ``["-100"]``; gifts, requests and
                 claims: ``{AUTHOR: n}``; `crdtctl.crdt.bcounter` says what they mean
  ``handoff``    ``[seq, tier, P, N]``: P and N are ``[val, below, count, sck, dck, {ID: HELD, …}]``, and HELD is
                 ``[count, sck, number, {ID: [sck, dck, n]}]``

  ``once``        key → its totals: ``{KEY: [p]}``, ``{KEY: [p, n]}``
  ``elements``    element → the number of the author's commit that added it, or added it again after a reset
  ``marks``       what the author's resets saw, and cancel: id → its totals, ``{ID: [p, n]}``; of a ``gset``,
                  id → the largest number of its elements. Of a fork, the id is without ``~COUNT.TAG``.
  ``once_marks``  the same of once-keys: ``{KEY: [p, n]}``

On read, marks of all authors on one id or key are joined by maximum, and what they cover does not count.

P and N are nodes, see `crdtctl.crdt.handoff_node`. HELD is what a node holds of ID: at tier 0 its count; the slot that
waits for its token, its number counted from 1; and its tokens, by destination. The rows of a ``handoff`` counter need
not be covered by the clock: an author that did nothing else stands in no clock but its own ``own.json``'s, since what
stands in clocks is there for ever. No state but a replica's own holds them, apart from ids that it had before.

One line is none of a counter's: under the name ``=``, which no counter has, the type ``membership`` says who has
ended. A row is ``[seq, sealed, fence, absorbed]``; the newer one of an author replaces the older:

  ``sealed``      1 if this was the author's last commit
  ``fence``       a day as the number YYYYMMDD: replicas that were minted before it are not remembered any more
  ``absorbed``    ``{"YYYY-MM-DD": [RECORD, …]}``: replicas whose counts the author took over, by the day on which they
                  were minted; a record is the last 20 digits of an id. Whoever knows of one leaves that replica out.

Items at the end of such an array that say nothing are left out; one before others is ``{}``, ``[]`` or 0 then. No
entry of a map is zero.

A whole number above 2^53 − 1 is written as a string of its digits, so that no reader rounds it; it has
100 digits at most. Floats, signs, exponents, ``true`` and ``null`` do not occur.

Names, ids, keys and elements obey `crdtctl.crdt.names`. Only ``"`` and ``\\`` are escaped.

Equal states are equal bytes. One counter is found by a binary search over the lines. Two files are joined
line by line, in constant memory. A truncated file has no last line and never passes for a lower count.

Other layouts
-------------
A JSON file that was laid out anew (by a formatter, say) holds the same data: it is read strictly, counter by
counter, up to `strict.MAX_BYTES`; its checksum is that of its canonical text. TOML is the same tree of
tables; its checksum makes a truncated file unreadable, which TOML alone would not. Beyond
`toml.MAX_ANY_LAYOUT` it must be laid out as this program does.

What is refused for what it would cost
--------------------------------------
A header of more than 64 MiB; a clock of more than 64 KiB whose entries have fewer than 37 bytes on average
(ids end with 32 digits: the time at which they were minted, in milliseconds as 12, and 80 random bits); a line or
header with far more arrays and objects than keys.

Modules
-------
``text``     the layout: finding and replacing lines in bytes; imports nothing heavy
``wire``     one line ↔ one counter; the header; clocks
``stream``   whole files, line by line: verify, join, write
``strict``   other layouts
``toml``     TOML → JSON
``schema``   the JSON Schema of a state
"""
