"""States travel: what is to go where is planned (pure), then carried out; a transport is one module.

What is at a remote
-------------------
A **remote** is a place that holds files and knows nothing of counters: a folder, a bucket, a branch of a git
repository. There, each replica keeps one **object**, a state in canonical text, which it alone writes and deletes. An
object holds

* what its owner did, all of it;
* what the owner **carries**: everything of authors of whom no other object there holds as much. So what was learned at
  one remote, or from a file, is found at every other, without each object holding everything;
* where somebody set a fence, also all authors from before it: to leave one out would say that it was forgotten.

Its clock says just that: the authors that it holds, each of them completely. So every object is taken in by itself,
and one that is late, damaged or gone holds up nothing but what it alone holds.

The name of an object holds a hash of its content, and the time when its owner last synced (`heartbeat`). So objects
are never written to: a new one is put, and only then the owner's older ones are deleted. A put that is cut anywhere
leaves the old object, a listing tells what is new whatever clocks say, and two writers never meet in one name. But
who an object is of, and what it holds, is read from its content alone; a copy under any name is as good.

Why nothing is lost when all carry only what others do not: of two objects that hold the same of an author, the
author's own is the better one, then that of the smaller id. Who stops to carry something has seen an object that holds
more of it, or as much and is a better one. There is a best one among all that ever held it; nobody but its owner
deletes that, and its owner has no reason to.

A sync
------
Of all remotes side by side, and with the lock ``sync.lock`` held: list; read what is not remembered as known
(`memory`); merge, as one commit, what has come from remotes that answer at about the same time. Then, for each of
these: plan what to carry; if the own object there does not say the same, put a new one; delete the older. What a
slower remote brings is merged when it comes, and passed on to the others. A sync that is cut anywhere has merged, or
put, whole states only, and the next one does the rest.

Modules
-------
``plan``           what to read and what to put, from a listing and what is remembered; pure
``memory``         what is remembered of the objects at a remote, so that they are not read again; may be deleted
``sync``           carries it out
``crew``           work at several remotes side by side, each within its own time
``visit``          one remote in the course of a sync
``download``       listing a remote, and fetching what may be new
``upload``         putting this replica's share, and deleting what that makes obsolete
``patience``       trying again what passes by itself
``scratch``        a directory for temporary files
``report``         which remotes and how, and what came of it
``absent``         what a listing lacks of what was there before; pure
``foreign``        files that other programs keep there, by their names; pure
``heartbeat``      when a replica last synced, in the name of its object; pure
``health``         when a sync last went well, and what failed since
``kinds``          folder or repository: what a path is, and what it was
``remotes``        which remotes are meant, by name, URL or path
``probe``          what can be found out about a remote
``schemes``        URL → transport, a line each; no credentials in URLs
``transport``      what a transport is
``child``          running other programs, within a time and without telling secrets

Each transport, and below it what it stands on:

``folder``         this machine's files, or what is mounted
``sftp``           a folder at another machine
``ssh``            the system's ssh, as a stream of bytes each way
``sftp_protocol``  what is said over that stream
``git``            a branch of a repository
``gitcache``       the repository here that git works in; may be lost
``gitwords``       what git says when it fails, as one of our failures; pure
``cloud``          a bucket
``webdav``         a folder at a web server
``http``           connections, proxies, redirects, credentials, within a time
``listings``       what web servers say is in a folder → entries; pure
``credentials``    who we are at a web server
``rclone``         whatever rclone reaches
``program``        whatever the user's own program reaches
"""
