// Package postgres keeps the page table in PostgreSQL, 14 or newer.
//
// # Schema
//
// All of a site is in one schema: dropping it removes the site, and pg_dump -n
// copies it. A dump is restored whole, in the place of what is there (pg_restore
// --clean): rows alone would be logged as new ones. Another database needs the
// extension pg_trgm first, which a dump of a schema does not hold; without it the
// indexes of searches stay out, until a migration makes them. The functions know the schema
// by its name, so it is not renamed. Two sites are two schemas, and know nothing
// of each other.
//
// The schema is made and brought up to date by the migrations in this package;
// goose_db_version says which were applied. A program refuses a schema that is
// older or newer than itself.
//
//	pages        what every URL is: one row for each pattern, compared as bytes.
//	             change and changed_at say which change wrote the row, and when
//	changes      the log: one row for each row of pages added, changed or
//	             removed, with the values before and after
//	change_sets  who made a group of changes, from where, why and when, and a
//	             random token
//	state        one row: the schema's identity, the number of the last change,
//	             and how many rows pages has
//
// Beside them stand what traffic counts (hits, hits_days, misses), and what the admin
// page needs: findings and checks (what the last check found, and when), plans (changes
// that wait for consent, kept for a day), responders (their reports of the last
// hour), and change_set_counts, which a trigger on the log keeps.
//
// Constraints refuse every row that is bad by itself. Triggers do the rest, so
// that an edit with psql is worth as much as one by a program:
//
//   - Before a statement changes pages, it locks the row of state until its
//     transaction ends. So writers wait for each other, and the changes of one
//     are committed before the next one takes a number.
//   - Every row added, changed or removed gets the next number. Numbers start
//     with 1 and have no gaps: a rollback gives its numbers back. An update that
//     leaves a row as it is does nothing and gets none.
//   - After the statement its changes are logged, state is brought up to date,
//     and the channel "pagemap_" + schema is notified, all in the transaction
//     of the change itself.
//   - The changes of a transaction belong to the change-set that it began with
//     begin_change_set(author, origin, note), or else to one in the name of the
//     session's user.
//   - The log is append-only. TRUNCATE of any table is refused, and so is an
//     update of a row's path.
//
// The role that migrates owns the schema, and may do all. Another one needs USAGE
// on the schema and, to follow, SELECT on its tables. To edit by plain SQL it needs
// its rights on pages and USAGE on the sequence change_number, and EXECUTE on
// begin_change_set to name an author; the log it cannot touch. For Write and the
// files' rows it needs all of these and TEMPORARY on the database.
//
// Redirects that would lead back to themselves are refused by Write, within the
// writers' lock. Plain SQL can still make a loop; the resolver answers 404 then.
//
// # Plans
//
// Import and Revert stage what they are to do in temporary tables. Within the
// writers' lock they compare it with the table as it is then, give every row a
// verdict, write what is to be written, and look for loops in the outcome; rows of
// the batch that make one are taken out, and all is written anew without them. The
// plan that comes of it is of this very state. A dry run does the same, and is
// rolled back, as is a plan that is not allowed. So numbers of change-sets have
// gaps.
//
// Import's verdicts on a row that the table has:
//
//	unchanged  the same answer (status, source, query), and tags and note the same or
//	           not given
//	changed    the same answer otherwise; or the row is the tree's memory
//	conflict   a person or an import made it, with another answer
//
// Where a file claims rows, an empty note is a note: unchanged is only what is the
// same in all but its origin; what was made by a claimed origin changes; the
// claimed rows that the file does not have go. Conflicts are rows of other
// origins. The tree's memory is never removed.
//
// Revert compares by value, too: a row that is as the change-set left it becomes
// what it was before, whoever changed it to and fro in between; one that is so
// already stays; all others are conflicts.
//
// Rewrite plans one thing for all rows that a query finds. An edit in the place of
// another row that a person or an import made is a conflict. A plan has a hash, of
// what it writes and of the rows that it writes over: with PlanOptions.Hash a plan is
// carried out as it was shown, or not at all.
//
// # Search
//
// Paths and sources are searched one after the other. Where the planner takes few
// rows to have the text, a trigram index finds all of these; else the way is along
// the paths, until enough rows have it. Paths are all in the index that is gone
// along; sources are not, and where the first thousands of rows have too few, the
// trigram index finds all after all. Once paths gave enough rows, only
// sources before the last one of these matter. The source 'file:' || path is left
// out of index and search: it is that of most rows, and says nothing new. A
// database without the extension pg_trgm has no such indexes, and searches row by
// row. A search has two seconds.
//
// # Feed
//
// A Follower has the whole table in memory. Where it stands is a position: the
// schema's identity, the number of the last change it has, and the token of
// that change's set. Every two seconds, after each notification and after each
// reconnect it asks, as one moment's state, for the schema's version, identity,
// last number and row count, and for the token that the log has at its own
// number.
//
//   - The version is another: it goes on serving, and reports why.
//   - The identity or the token is another, or its number is beyond the last:
//     the log is not the one it followed. A dump was restored, or a replica
//     promoted that had not received everything, whatever was written since. It
//     loads the table anew.
//   - There are later changes: it applies them in their order. A number that is
//     missing makes it load anew.
//   - Its rows are not as many as state says: it loads anew.
//
// A table that was loaded is put into force only where its rows are as many as
// state says; otherwise the last table goes on serving, and ErrRowCount is
// reported until the database is put right. Removals that come as changes
// always apply, down to an empty table.
//
// NOTIFY is a hint and may be lost. On a replica that only reads there are no
// notifications, and the polling does. The database may be away or hang: a
// query that gets no answer is given up, and asked again after a while.
//
// # Snapshot
//
// A Follower writes its table to a file, whole and not too often, and can start
// from it. It then goes on from the file's position as above. The file:
//
//	pagemap snapshot 1\n
//	{"schema":"pagemap","identity":"...","number":3,"token":"...","rows":2}\n
//	for each row, in no particular order:
//	    length of what follows (unsigned varint)
//	    number of the change that wrote it (8 bytes)
//	    when, in microseconds since 2000-01-01 UTC (8 bytes)
//	    status (2 bytes)
//	    1 where the request's query is dropped, else 0 (1 byte)
//	    origin \n pattern \n source
//	CRC-32C of all that precedes (4 bytes)
//
// Numbers are big-endian. A file of another version, of another schema, cut
// short or damaged is refused with ErrSnapshot. It is written beside its name
// with ".new" at the end, under a lock, and renamed, so that several responders
// may share it; its mode is 0640.
package postgres
