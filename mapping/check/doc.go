// Package check looks for what is wrong in a page table, and between the table
// and the file tree.
//
// Run asks the resolver that answers readers, over one state of the table, and
// changes nothing. What it finds are findings: data, each of one Kind, about one
// row or file, with what is wrong in words and a command that puts it right. They
// come in the order of the rows' patterns, then of the tree, then of the targets
// on other hosts, so two runs over one state find the same in the same order.
//
// # Kinds
//
// About rows that redirect:
//
//	loop      the redirect comes back to itself: readers get 404
//	deep      a chain of more than mapping.MaxHops redirects: readers get 404
//	chain     the target is another redirect of the table. Readers are sent to the
//	          end at once; the row should name that end
//	dead      the chain ends in a 404 or 410 row, or at a path of the site where
//	          nothing answers or whose file has vanished. Below the data prefix
//	          it is the tree that answers. Paths of Options.Elsewhere are taken
//	          to be answered by another part of the server. A prefix row that
//	          keeps the rest is dead if there is neither a page nor a
//	          directory nor any row at or below its target
//	external  the target on another host does not answer (Options.External)
//
// About any row:
//
//	bad       no writer lets the row through: readers get 404
//	vanished  the row draws a file that the tree does not serve
//	twins     paths that differ in case, in the final slash or by an index name alone
//	          have rows of which at least one was made by a person or an
//	          import, and lead to different ends
//
// About files that the tree serves, each asked for by its own path:
//
//	hidden      a redirect, a 404 or 410 row or a prefix row answers in its place
//	replaced    an exact row that draws another page answers in its place. That is
//	            how a page moves to the wiki, so it is told only where it is asked for
//	unrecorded  it answers, but has no row: auto-add or populate will add one
//
// And about those that it does not serve:
//
//	unreached   neither a row nor the tree answers with it: it is unreadable,
//	            restricted by an .htaccess, behind a symlink that leads out or nowhere,
//	            the source of a program, or has a name that no URL can spell.
//	            Hidden files and leftovers of editors are not told of
//
// # Other hosts
//
// Each target is asked for once, with HEAD, and where that is answered by an error
// with GET, whose body is not read. Redirects are followed, ten at most. It is
// alive if it answers below 400, and as well with 401, 403 or 429: somebody is there.
// Requests to one host follow one another with a pause between them; several hosts
// are asked at a time; a host that cannot be reached three times in a row is not asked
// again. Addresses that are not public are refused when they are dialled (package guard).
//
// # Cost
//
// Memory is what the table has, some 60 bytes for each row to put them in order, and
// a few for every file. A million rows over a million files are a matter of
// seconds, most of them the tree's.
package check
