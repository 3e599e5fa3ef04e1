"""Bytes ↔ state. This page is the specification of the file format.

Layout
------
A state is JSON in lines: UTF-8, ``\\n``, no optional spaces, keys sorted by code point (except in the header)::

    {"crdtctl":1,"kind":"state","replica":"laptop-7f3a…","clock":{"hub-19c2…":3,"laptop-7f3a…":12},"counters":{
    "builds":{"pncounter":{"hub-19c2…":[3,7,1],"laptop-7f3a…":[12,5,0]}},
    "visitors":{"gset":{"laptop-7f3a…":[9,{"ada":3,"grace":9}]}}
    },"crc32":"89abcdef"}

* The first line is the header. It ends with ``,"counters":{``.
* Each of the next lines holds one counter, sorted by name: ``"NAME":{TYPE:{REPLICA:ENTRY,…},…}``. Every line but the
  last of them ends with a comma. None of these objects is empty. A state without counters has no such line.
* The last line holds the CRC-32 of all bytes before it, as eight lower-case hexadecimal digits.

Equal states are equal bytes. One counter is found by a binary search over the lines. Files are joined line by line, in
constant memory. A truncated file lacks its last line, so it is never read as a lower count.

Names, replica ids, keys and elements are 1 to 200 bytes (elements: 4,096) of printable Unicode in normal form C,
without white space at their ends; see `crdtctl.crdt.names`. In strings, only ``"`` and ``\\`` are escaped, with a
``\\``.

The name of a counter does not contain ``=``. With labels, it is the spelling of a series, of at most 2,048 bytes, for
example ``tests{os="linux",py="3.12"}``: keys ``[a-zA-Z_][a-zA-Z0-9_]*``, sorted, each once, at most 16; values in
quotes, where ``"`` and ``\\`` have a ``\\`` before them, which the string escapes again; no ``{``, ``}`` and ``=``
before the labels. So equal labels are equal bytes, and the series of a name are neighbours. A name with braces and
without ``=`` that spells no series is one of an early version: it is read, and never written to.

Numbers are whole and not negative. A number above 2^53 − 1 is written as a string of its digits, 100 at most, so that
no reader rounds it. Commit numbers are never above 2^53 − 1. ``true``, ``null``, signs, fractions and exponents do
not occur.

The header
----------
A *commit* is one change of a replica. The commits of each replica are numbered from 1. The fields, in their order:

``crdtctl``   the version of this format: 1. A reader refuses other versions.
``kind``      ``state`` (a whole state), ``delta`` (changes since a clock), ``own`` (``own.json``: the entries of the
              replica itself), ``recent`` (``own.recent.json``: the latest changes of a large ``own.json``) or ``known``
              (``known.json``: the entries that it received).
``base``      in ``own``: a nonce of twelve hexadecimal digits, if there is an ``own.recent.json``. Always in
              ``recent``: ``NONCE SIZE BLOCK CRCS``, the nonce and the size of ``own.json``, the size of a block, and
              the CRC-32 of each block of that size, as eight hexadecimal digits.
``replica``   the id of the replica that wrote the file.
``periods``   1 if an entry in the file may have settings of periods. Once set, it stays. Omitted otherwise.
``clock``     a version vector: replica → number of its last commit, at least 1. The file holds the effect of all its
              commits from the first to that one.
``tags``      replica → its history: the export markers of that replica, see below.
``since``     the clock that a receiver of a delta must cover. Always in a ``delta``, and only there.
``heard``     replica → time in UTC of the last new entry that this replica received of it. It is for people only.
              Always in ``known``, and only there.
``settled``   sorted ids of the branches of resolved forks. Not in ``own`` and ``recent``.
``received``  replica → its last commit that forgot or renamed counters, if the writer of the file has all commits of
              that replica up to it. A partial state has the field as well.
``receipts``  replica that forgot or renamed counters → another replica → the commit of the first that the second has
              received, according to the files that it wrote. Only in ``known``.
``past``      earlier ids of this replica, oldest first, each as ``[id, last commit, reason, time]``. Only in ``known``.
``unheard``   earlier id → number of exports under it, if its last state has not come back yet. Until then, this replica
              absorbs no other one. Only in ``known``.
``tier``      the tier, 1 to 99, of a replica that is not permanent. Only in ``own`` and ``recent``.
``binding``   the identity of the file itself: ``INODE.GENERATION.FILESYSTEM.MACHINE``. Only in ``own`` and ``recent``.
``witness``   the path of the witness, the file outside the replica with the number of writes. Only there.
``follows``   followed file → position, sorted: ``COMMAND:PATH`` → ``INODE.OFFSET.CRC``, see below. Only there.
``last``      the effects of the last commit, a text for each counter: see `crdtctl.store.last`. Only there.

``clock``, ``since`` and ``heard`` may be empty objects. ``tags`` and the last ten fields are omitted where they would
be empty or 0. ``base``, ``heard``, ``receipts``, ``past``, ``unheard``, ``tier``, ``binding``, ``witness``, ``follows``
and ``last`` are never exported.

A position in ``follows`` is the inode number of the file, the number of bytes whose lines this ``own.json`` has
counted, and the CRC-32, in eight hexadecimal digits, of the first 1,024 of them and the last 1,024 of them.

A *history* is ``COUNT SEQ.NONCE SEQ.NONCE …``: the number of export markers that the replica ever made, and those that
are kept, oldest first. Each has the number of the replica's last commit before the export, and a random nonce of four
characters ``0-9A-Za-z_-``. The numbers grow, and none is above the replica's entry in the clock. Of the markers 1 to
COUNT, these are kept: the last 16; and for each power of two, its multiples among the last 8 times that power.

Two histories that differ in the nonce of one marker reveal two writers under one id: a *fork*. Each branch of it is a
replica id of its own, in the clock, in ``tags`` and in counters: ``ID~NUMBER.NONCE``, the number and the nonce of
the first marker that differs. A branch that forked again has one ``~NUMBER.NONCE`` more. See `crdtctl.crdt.forks`.

Entries
-------
An entry is an array. Its first item is the number of the commit that last changed it, at least 1 and at most the
replica's number in the clock. Trailing items that are empty or 0 are omitted, unless they are in the first column of
this table. An empty item before others is written, as ``{}``, ``[]`` or 0. No map has an entry that is empty or 0, or
an array of zeros.

``gcounter``   ``[seq, p]``, then ``once, marks, once_marks, expired, gone, readings, every, keep, periods, forgotten``
``pncounter``  ``[seq, p, n]``, then the same
``gset``       ``[seq, elements]``, then ``marks, forgotten``
``hll``        ``[seq, sketch]``, then ``every, keep, periods, start, forgotten``
``hist``       ``[seq, levels, counts]``, then ``plus, minus, least, most, once, every, keep, periods, used, start,
               forgotten``
``bcounter``   ``[seq, created, used]``, then ``bounds, gifts, requests, claims, begun, every, keep, periods,
               forgotten``
``handoff``    ``[seq, tier]``, then ``P, N``

``p``           the sum of the increments by this replica that had no idempotency key; ``n``: of such decrements.
``once``        idempotency key → sums that were counted under it, and the commit that used it: ``{KEY: [p, seq]}`` or
                ``{KEY: [p, n, seq]}``. In old files the commit is missing.
``marks``       resets by this replica: replica → sums that they cancel, ``{ID: [p]}`` or ``{ID: [p, n]}``. Of a
                ``gset``: replica → largest commit number of its elements that are cancelled. Except in a
                ``gset``, the id is without the ``~NUMBER.NONCE`` of forks. If a ``gset`` has several branches of an id,
                a mark on another branch or on the id cancels what all of them have with one number.
``once_marks``  key → sums that resets by this replica cancel.
``expired``     replica → number of the last of its commits whose keys have expired.
``gone``        the last commit of this replica whose keys it has dropped.
``readings``    meters that this replica read: ``{SOURCE: {GENERATION: [reading, cancelled, opened]}}``. A generation is
                a number from ``"0"``, as text. A source of a period is written as a space, the letter and the number of
                the period, a space, and the source, as in ``" d20513 eth0"``. ``cancelled`` is the reading that resets
                by this replica cancel, and ``opened`` is 1 if the generation began with a reading of 0.
``every``       the finest periods that are kept: 1 for days, 2 for hours, 3 for 15 minutes; 0 for none.
``keep``        how long they are kept, in quarters of an hour; 0: as long as usual.
``periods``     the amounts that this replica added in each period (UTC), as text: runs ``d20454:3,,1-2`` in the order
                of time, with a space between two of them. A run is the letter of months, days, hours or quarters of an
                hour (``mdhq``), the number of its first period since 1970, a colon, and the amounts of this period and
                of the next ones, with commas between them: ``p`` or ``p-n``. Zeros are empty, and a ``-`` at the end
                is left out. A run continues over at most 7 empty periods. Periods do not overlap, and none ends after
                2199. See `crdtctl.crdt.periods`. The periods of a ``bcounter`` have the rights it
                created and used. The periods of an ``hll`` are a map, period → sketch: ``{"d20454": SKETCH}``, and
                those of a ``hist`` are such a map to ``[counts]``, then ``plus, minus, least, most``. See
                `crdtctl.crdt.period_names`.
``forgotten``   replica → last commit of its entry when this replica forgot the counter, itself among them.
``start``       the commit of this replica that started the entry again, empty, since it was forgotten; 0: none.
``used``        idempotency keys whose numbers were forgotten, sorted. They stay used, and their numbers do not count.
``elements``    element → number of the commit that added it, or added it again after a reset.
``sketch``      a HyperLogLog sketch as text, see `crdtctl.crdt.hyperloglog`.
``levels``      levels of buckets, ``a`` to ``f``, that this replica uses, sorted: ``["c"]``. The first applies.
``counts``      bucket → how many numbers are in it. A bucket is a level and a number: ``{"c3544": 2}``. See
                `crdtctl.crdt.buckets`.
``plus``        sum of the positive numbers, a decimal number as text: ``"0.7"``; ``minus``: of the negative ones,
                without the sign; ``least, most``: the smallest and the largest number. Empty texts: no such number.
                The ``once`` of a hist is ``{KEY: [counts, plus, minus, least, most]}``.
``created``     rights that this replica made by increments; ``used``: rights that its decrements consumed.
``bounds``      lower bounds that this replica declared, as text, sorted: ``["-100"]``.
``gifts``       replica → rights transferred to it.
``requests``    replica → rights that it is asked to have transferred to this replica in total.
``claims``      lost replica → rights that this replica took over from it.
``begun``       replica that created the counter → rights that it began with. See `crdtctl.crdt.bcounter`.
``P``           a node for increments, ``N``: for decrements: ``[val, below, count, sck, dck, {ID: HELD, …}]``. HELD is
                ``[count, sck, number, {ID: [sck, dck, n]}]``, the part of the node about ID: at tier 0 its count; the
                slot that waits for its token (its number counts from 1); its tokens, by destination. The first item of
                both is always written. See `crdtctl.crdt.handoff_node`.

Entries of a ``handoff`` counter need not be covered by the clock. A replica with entries of this type only is in no
clock but the one of its own ``own.json``, since clocks never shrink. And only a replica's own files hold such an entry.

Joins
-----
The join of two states has, of every counter and type, the entries of all replicas. Two entries of one replica are
joined item by item: the larger number, the union of bounds and of levels, the larger rank of each register of a sketch,
the smaller ``least``, maps key by key. There are five exceptions:

* Of two arrays in ``once`` with different commits, the one with the larger commit is taken. Then keys of the commits up
  to ``gone`` are dropped.
* Of two ``periods``, those of the entry with the larger ``seq`` are taken; of one ``seq``, the larger ones.
* Of two entries of an ``hll`` or a ``hist`` with different ``start``, the one with the larger one is taken. After a
  fork, a reader joins those of the branches item by item.
* Entries of ``membership``, ``attempts``, ``renames`` and ``handoff`` are not joined: the one with the larger ``seq``
  is taken.
* Different branches of a fork are put under their own ids first.

Of the joined entries of a counter, those are left out whose commit another replica's entry has in ``forgotten``, or a
later one, except those of a ``bcounter``. So are the elements, and the idempotency keys, of such commits. If every
entry is ``forgotten`` up to its commit, also by itself, the counter does not exist. Neither does it if this holds with
entries of branches taken as those of their replica, and its value is 0, or the bound of a ``bcounter``. Of an ``hll``
or a ``hist``, readers leave out such entries of branches. See `crdtctl.crdt.forgetting` and `crdtctl.crdt.restarting`.

The value of a ``gcounter`` is the sum of p, and of a ``pncounter`` the sum of p − n, over all replicas; plus, for each
key and for each generation of a source, the maximum over the replicas. Marks of all replicas on one id, key or
generation are joined by maximum, and subtracted first. See `crdtctl.crdt.additive`.

Reserved lines
--------------
Three lines hold no counter. Their names begin with ``=``, and each has one type. Other such names are refused.

The line ``=`` has the type ``membership``. An entry is ``[seq, sealed, cutoff, absorbed]``, at least the first item:

``sealed``    1 if this was the last commit of the replica.
``cutoff``    a day as the number YYYYMMDD. Records of replicas with older ids are dropped.
``absorbed``  ``{"YYYY-MM-DD": [RECORD, …]}``: replicas whose entries this one took over, by the day in their ids. A
              record is the last 20 digits of an id. Readers leave the entries of absorbed replicas out.

The line ``=jobs`` has the type ``attempts``. An entry is ``[seq, job, absorbed]``, at least the first item:

``job``       ``{KEY: NUMBER}``: this replica is an attempt of a job. Of all attempts of one job, only the entries of
              the one with the largest number count.
``absorbed``  ``{"YYYY-MM-DD": {KEY: NUMBER}}``: attempts that this replica absorbed. From then on, they are the ones
              that count.

The line ``=renames`` has the type ``renames``. An entry is ``[seq, targets, known]``, at least the first item:

``targets``   ``{OLD: {NEW: NUMBER}}``: this replica renamed the counters of the name OLD, which are read together with
              those of NEW. Both are names without labels, and NUMBER is larger than that of every rename that the
              replica knew. Of several renames of OLD, the one with the largest number holds; of equal numbers, that of
              the smallest replica id. A name that leads to itself is not renamed. In a circle, the rename that is last
              in this order does not hold. A ``bcounter`` and a ``handoff`` are read under their own names only.
``known``     ``{OLD: {ID: NUMBER}}``: the renames of OLD by other replicas that this replica knew.

Other layouts
-------------
JSON in any other layout, for example from a formatter, holds the same data. It is read up to 64 MiB; its checksum is
the one of its canonical text. TOML has the same tables, and ``crc32`` in a table ``checksum`` at the end, because a
truncated TOML file would still be TOML. A TOML file above 64 KiB must have the layout that this program writes.

Limits
------
A reader refuses texts that would take many times their size in memory: a header above 64 MiB; a clock above 64 KiB
with fewer than 37 bytes for each entry (ids end with 32 digits: 12 for the time in milliseconds, 20 random); a line or
header with far more arrays and objects than keys.

Modules
-------
``layout``         the layout: lines are found, replaced and summed without being parsed; imports nothing heavy
``plain``          the plain part of the format, for the fast path; imports nothing heavy
``plain_periods``  entries with periods there
``values``         values of the lattices ↔ JSON
``lines``          one line ↔ one counter
``clock``          clocks ↔ JSON
``header``         the header
``reader``         one file: verify it, look lines up, read them all
``merge_join``     several files: join them line by line
``block_join``     several large files: join them many lines at a time, with the same result
``runs``           the lines of one of them, in blocks
``one_author``     lines with one entry of totals, as columns
``table``          such lines of many sources, collected
``rows``           rows of totals, decoded by msgspec
``same_shape``     pairs of lines that differ only in their numbers
``checksums``      the checksum of pieces put together
``writer``         write a file
``other_layouts``  JSON in other layouts, and TOML
``strict_json``    JSON without repeated keys
``numbers_only``   lines of numbers only, decoded by msgspec; imported for large files
``toml``           TOML → JSON
``concatenated``   several states in one file
``schema``         the JSON Schema of a state
``invalid``        the error for bytes that are not a state
"""
