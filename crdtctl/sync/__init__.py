"""Sync: replicas exchange their states through remotes. This text specifies the protocol.

Remotes and objects
-------------------
A **remote** is a place that holds files under names: a folder, a bucket, a branch of a git repository. It can list,
read, write and delete files (`transport`), and needs no knowledge of counters. Listings may be late, and may be
incomplete after a failure.

Each replica keeps one **object** at each remote. An object is a state in canonical text (`crdtctl.codec`), and the
replica in its header is its **owner**. It contains

1. all entries of its owner,
2. all entries of each replica that its owner **relays** (see below), except entries of counter types with a local
   merge, which only their own replica uploads.

The clock in the header (a version vector) lists exactly these replica ids. The object has all entries of each id up to
its commit number in the clock. So each object can be merged by itself. An object that is late, damaged or missing
delays only its own content. To upload a state is to export it: a replica records an export marker in its own
file before the upload (`crdtctl.store`).

The name of an object is ``LABEL-BITS.HASH.TIME.crdt.json``. For a replica id that ends in ``-`` and 32 hexadecimal
digits, BITS are these digits, and LABEL is the rest, with a ``-`` for each character other than ``A-Za-z0-9._-``. For
other ids, BITS are a hash of the id (`object_name`). HASH is the first 16 digits of the content's BLAKE2b hash (16
bytes, hexadecimal). TIME is the time of the owner's last sync with the remote in UTC, like ``20260102T030405Z``.

Readers decide by content. A file under any name is merged if it is a state, and its header names the owner; names only
save reads. Files with names that begin with ``.``, ``~`` or ``crdtctl-probe-`` are skipped, as are a few names of
file managers (`foreign_files`). A file that is not a state is skipped and reported.

Writing and deleting
--------------------
* Objects are never changed. A new object is put under its new name; then the owner deletes its older ones, after a
  listing has shown the new one. An upload that is interrupted leaves the older object in place, and no two writers use
  the same name.
* Only the owner deletes an object. As an exception, ``sync --clean`` deletes objects of replicas that this replica has
  absorbed, and objects of clients that have handed off all that they counted, if the last sync has seen them. Such a
  client also deletes its own object.
* If nothing has changed, nothing is put. But when the TIME of its object is older than an interval (30 minutes by
  default), the owner puts the same content under a name with the present TIME and deletes the former object. Readers
  know the HASH and do not read the content again. Nothing depends on TIME except warnings about silent replicas.

* A remote may be limited. From one that is only read, objects are merged, and nothing is put or deleted there. At one
  that is only written to, an owner reads its own objects only, so it relays all ids that it knows. If such a remote
  refuses listings, the cached objects count as listed. At a remote that keeps old objects, nothing is deleted. An owner
  then has several objects there, and each can be merged by itself.

Relaying
--------
An object *holds* a replica id if its clock contains the id with at least the commit number that the reader knows, or
contains a branch of a forked id with the same history. Of two objects that hold an id, the *better* one is the object
of that replica itself, otherwise the one whose owner has the smaller id. At each remote, a replica relays every other
id that it knows, if

1. no other object there holds the id; or
2. its own object there holds the id, and no other object that holds it is better; or
3. a cutoff is set, and the id was generated before it. An object without such an id would state that the
   id is forgotten.

So entries that a replica has received from one remote, or from a file, arrive at all its other remotes, without every
object containing everything. Nothing is lost: a replica stops relaying an id only after it has seen a better object
that holds at least as much. Among all objects that ever held the id there is a best one. Only its owner can delete it,
and the owner has no reason to.

The steps of a sync
-------------------
A sync holds the lock ``sync.lock`` of the replica. It works at all its remotes side by side, each with its own time
limit, and it retries transient errors.

1. List the remote. Read each object whose entry is not cached, or whose cached content is not fully known
   (`entries_to_fetch`). A sealed replica reads nothing.
2. Merge, as one commit, the objects of all remotes that have answered within half a second of each other.
3. Plan the upload for each of these remotes (`plan_upload`): compute the relayed ids; put a new object if the present
   one differs, or if the own file has changed since its last export; collect the obsolete objects.
4. Put the object, list again unless listings are consistent, delete the obsolete objects, and flush.
5. Save the cache and the health of the remote. After a merge from a slower remote, go back to step 3 for the others.

A sync that is interrupted at any point has merged and put whole states only. The next sync does the rest.

Missing objects
---------------
Because of the rules above, each owner always has an object in every listing. If an object is missing and its owner has
no other, the listing is incomplete, the place is not the former one, or a person has deleted the object. If all objects
are missing, nothing is uploaded (status 69). Otherwise the missing object is reported once, and counts as present for a
day; then its content is relayed again. If this replica's own object is missing, it is put again at once. If an object
is not listed ten minutes after its upload, the sync fails. ``--accept-missing`` overrides all this
(`missing_objects`).

If only older objects of an owner are listed than at the last sync, that is reported once; if listings are not
consistent, only after a second one (`sightings`). Rule 1 of relaying restores the newer content.

Private remotes
---------------
At a private remote, a layer between the engine and the transport seals each object with a key when it is put, and opens
it when it is read (`sealed_transport`). Names of objects are keyed hashes. A file that was not put with one of the keys
of this replica is never read. The bytes are specified in `keys` and `sealed_object`, and in ``crdtctl help private``.

Modules
-------
Decisions, pure:
``plan``                 the objects to read, and the object to upload
``object_name``          names of objects
``missing_objects``      objects that were at a remote before
``foreign_files``        files of other programs, by their names
``failures``             the failures to report

State on disk, which may be lost:
``cache``                the objects at a remote
``health``               the last success and failure at a remote
``sightings``            the newest object of each replica, by the caches

A sync:
``engine``               the steps, in order
``remote_session``       the state of one remote during a sync
``worker_threads``       a thread for each remote, with its time limit
``connecting``           the connection of a session
``work``                 work at folders of this machine, without threads
``download``             listing a remote, reading its objects
``upload``               putting an object, deleting older ones
``retry``                retries of transient errors
``local_files``          fetched files on this machine
``temporary_directory``  temporary files
``hashing``              the hash of contents and names
``report``               options and reports

Private remotes:
``private``              the keys of a session, and files that do not belong there
``keys``                 keys, derived keys, names of objects
``key_sources``          files, commands and the environment that hold keys
``sealed_object``        the format of an object
``sealed_transport``     the layer over a transport

Remotes:
``remotes``              the remotes of a sync, by name, URL or path
``same_place``           whether two URLs name one place
``remote_check``         the check of a remote
``schemes``              URLs, and the transport for each scheme
``path_kind``            folder or git repository
``mounts``               file systems that may hang
``transport``            the interface of a transport
``process``              running other programs
``transports``           one module or package for each transport

``folder``  files on this machine or a mount            ``sftp``    a folder on another machine
``git``     a branch of a repository                    ``bucket``  S3, Google Cloud Storage, Azure
``http``    a folder on a web server, WebDAV            ``rclone``  any storage that rclone supports
``exec``    the user's own program
"""
