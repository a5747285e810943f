// Package admin is the page table in a browser: looking a URL up, seeing what it
// answers and why, changing it, undoing that, working through the 404s. Beneath
// lies what pagemapctl stands on: explain, check, intake, and postgres' searches,
// plans and history.
//
// # Letting in
//
// Every request is asked for its user first (Gate), its own scripts and styles too;
// without one it gets 403 and an empty hand. Behind Apache (Front) a user is
// somebody whom Apache has authenticated, in a request that carries the secret
// that only the configuration of the admin page's own path sets: REMOTE_USER of another
// protected area is nobody here. Over plain HTTP on loopback (Local) it is who has
// opened the link that was printed at the start, which works once; other names of
// the host are refused, so that no foreign name can be made to mean this machine.
//
// A user has a role. Readers see everything, editors change the table too. Who has
// none gets 403.
//
// All is below one path. Requests for it in any spelling belong to the admin page
// (Owns); in another than the path's own they are 404. Nothing is ever stored: every answer is
// no-store, and none comes from the page cache.
//
// # Requests
//
// Routes lists every route with its method and the role that it needs; the
// multiplexer is made of this list alone. What changes anything is a POST, and
// has to come from the admin page's own origin (http.CrossOriginProtection). It
// answers 303 to a page that shows what has become of it. Answers carry a
// Content-Security-Policy that allows the admin page's own style sheet and script, no
// inline ones, and no frame around it. Every text from outside is escaped by html/template.
//
// The pages work without the script. It shows times in the reader's zone, checks
// what is typed, selects many rows at once, and fetches suggestions that come later.
//
// # Changing one row
//
// A form carries the number of the change that had written its row. Where another
// has come since, nothing is written: 409 shows both versions, and either can be
// kept. What a row would do is checked as pagemapctl check does it (check.Row),
// while it is typed and when it is saved; only what no writer lets through is
// refused.
//
// A page of the old tree flips to the wiki's page that a move would make of it, and back. What its content would
// lose by that is shown on a page of its own, which may take as long as the wiki does: score, words,
// links and images, and both pages side by side. That one has a policy of its own, which allows styles and images
// that it brings along, and nothing else.
//
// # Changing many
//
// A bulk change, an import and a revert are planned first. The wish is kept in the
// database, so that any responder of a pool can go on with it; the plan is made in
// the background, and the page asks for it again while it lasts. It shows the
// counts, the first differences, rows in the way, loops, and refused rows or lines. It is
// carried out as one change-set, exactly as it was shown: it is made again within the
// writers' lock, and refused if its hash is another one.
//
// A bulk change is done to all rows that the filter finds then:
//
//	answer   status and target become these
//	gone     410
//	move     pages below one path move below another: what answered there answers
//	         here, and the old path redirects to the new one (301). Redirects and gone
//	         rows stay
//	target   targets that begin with one text begin with another
//	tag      a tag is added; untag: it is taken away. The row keeps its origin
//	remove   the rows go; files of their paths answer again
//
// # Lists
//
// Lists go from screen to screen by the place of the row before, never by counting.
// Rows are counted up to a thousand. Of rows that were never hit a screen may be far: it shows what a short walk
// along the table found, says up to which row, and goes on from there.
// The rows' flags are those of the last pagemapctl check that was kept, and say so; a
// row that was changed since is marked. A flag "young" is a 301 of less than a day.
// "Undecided" are rows that are only the memory of the crawled tree.
//
// # Suggestions
//
// Other spellings of a missed path are tried at once. What takes a pass over the
// table is looked for in the background, for many paths together, and remembered
// by each responder.
package admin
