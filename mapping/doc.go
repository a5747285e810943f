// Package mapping says what every URL of the site is.
//
// A site that was a tree of files becomes, page by page, something else: pages
// of a wiki, redirects, nothing. One table says for every URL what it is today,
// and this package is that table: its keys, its rows, and the one function that
// resolves a request. The responder, the maintainer's commands and the admin
// pages all ask Resolver; Explain is the same code with its steps written down.
// The package does no input or output. The tree is reached through Files, the
// database's view of the table through Rows.
//
// The tree was served by Apache's static handler, and the rules below continue
// it. Two URLs that it answered with the same file are one page, and a URL that
// worked goes on working. What it did unsafely is refused.
//
// # The key
//
// Every path is brought to one form, its key (type Path), and keys are compared
// as bytes. The input is the request target as the client sent it: neither
// decoded before nor split by anybody else.
//
//  1. An absolute-form target loses scheme and host, and has the path "/" where
//     it has none. The path ends before the first "?". A path that does not
//     start with "/" is bad, as are the targets "*" and "host:port".
//  2. A path longer than MaxPathLen bytes, raw or as a key, is too long.
//  3. Every percent escape is decoded once, never twice, except the escaped
//     slash, which stays "%2F". Two digits that are no hexadecimal number are
//     bad, and so is any byte below 0x20 or 0x7F, written raw or escaped.
//  4. Runs of slashes become one. Then dot segments go: "/a/." is "/a/", "/a/.."
//     is "/". Climbing above the root is bad.
//  5. The bytes are escaped again: letters, digits and -._~!$&'()+,;=:@/ stand
//     for themselves, everything else is "%XX" with upper-case digits. "*" is
//     "%2A", so a pattern's star cannot be taken for one of a name.
//
// The key is thus ASCII whatever the names are encoded in: "%F3" and "%C3%B3" are
// two keys, as they are two files. Nothing is normalised and no case is folded.
//
// Bad paths are ErrBadPath, answered 400; too long ones ErrPathTooLong, 414.
//
// PathOfFile and Path.FileName lead from a file's name to its key and back. A
// name with a control byte has no key. A key with "%2F" names no file.
//
// # Rows
//
// A row has a pattern, a status and a source.
//
//	200       file:/path/in/tree   the path written as a key
//	          wiki:Page name
//	301, 302  http://..., https://..., or a site path /...; query and fragment are allowed
//	404       nothing
//	410       nothing, or a URL to suggest
//
// Its pattern (type Pattern) is one of three kinds:
//
//   - A key alone: an exact row.
//   - A key and "/*": a prefix row. "/docs/*" covers "/docs", "/docs/" and all
//     below, but not "/docsx"; "/*" covers everything. Of several that cover a
//     path the longest counts. Letters of another case are not covered.
//     What follows "/docs" in the request is the rest: "", "/" or "/more". A
//     source that ends in "/*" has the rest put in for these two bytes; any other
//     source is fixed. In the name of a wiki page the rest is decoded; with
//     "wiki:/*" it is the whole name. For "file:/base/*" the tree is asked as for
//     any path: directories stand for their index file, final slashes are put
//     right, and what is not there is 404.
//   - A key and a query: a query row. It matches where the request's query has at
//     least its parameters, in any order, a repeated one as often as the row has
//     it. Names and values are compared decoded ("+" is a space) and with case;
//     "a" is "a=". Of a request's query the first MaxParameters are read. Of the
//     rows that match, the one with most parameters counts, then the first in
//     order of their text; the exact row comes after all of them.
//
// Every row has an Origin. Rows of the crawl and those added when a file was
// found (Origin.Tree) are the tree's memory: they rank as the file does. All
// others are made, by a person or an import, and rank before it.
//
// Hosts.Clean is the way into the table. It brings a row to its canonical text
// and refuses, with a RowError that names field, value and way out:
//
//   - a pattern with a fragment, with a "*" other than the final "/*", with both
//     that and a query, or on a host that is not the site's;
//   - a source that does not go with the status, and "drop query" on anything
//     but a redirect;
//   - of a file: "%2F", dot segments, a directory, a name that is never served;
//   - of a wiki page: an empty name, one that is not UTF-8, control characters;
//   - of a target: "//host", a backslash, control bytes, other schemes, a user
//     name, a host outside ASCII, and for a prefix row a target that the row
//     itself covers;
//   - a source's "/*" without a prefix row.
//
// Targets and pasted patterns on the site's own hosts become site paths. A
// target's bytes below 0x21 and above 0x7E are escaped; its path on the site
// becomes a key.
//
// # Which row answers
//
// For a path P, in this order:
//
//  1. the made row at P, then the made row at a twin of P;
//  2. the longest prefix row that covers P;
//  3. the file at P, by its crawled row or in the tree, then the one at a twin;
//  4. the one exact row or file whose path is P in letters of another case
//     (ASCII only), if there is exactly one;
//  5. with Resolver.MultiViews, what answers P + ".html";
//  6. nothing: 404.
//
// A twin is a path that stood for the same file. The index twin of "/dir/" is
// "/dir/" + an index name, and the reverse; the slash twin of "/a" is "/a/", and
// the reverse. Only one file of a directory is its index: the one that its
// crawled row names, else the first of Resolver.IndexNames that the tree has. A
// second index name beside it is a page of its own and nobody's twin. Where
// neither row nor tree knows better, every index name is a twin. A directory's
// crawled row has the pattern "/dir/" and the index file as its source.
//
// So a made row on one twin governs both, unless both have one.
//
// Step 4 asks first for paths that differ in case alone, and only where there
// are none for those that differ in the final slash as well. Prefix and query
// rows take no part. More than one candidate is a 404 with FlagAmbiguous.
//
// What answers may have another path than the one asked for:
//
//	asked                        a page (200)                  anything else
//	in other percent escapes     served                        answers as it is
//	with "//" or dot segments    301 to the key                answers as it is
//	with the wrong final slash   301 to the page's path        answers as it is
//	in another case              301 to the page's path        answers as it is
//	by its index twin            served, Answer.Canonical is   answers as it is
//	                             the row's own path
//
// The redirects of this table are spelling redirects (Answer.Spelling). They
// keep the query, put everything right at once, and are sent only where their
// target was resolved too and is a page: if it turns out to be a redirect, gone
// or not found, that is the answer instead. Answer.Source is the page's, so that
// the responder sends none to a file that has vanished.
//
// A file that is found without a row is served, and Answer.Found is the row to
// add. A crawled row answers without a look into the tree; whether its file is
// still there shows when it is drawn.
//
// # Chains
//
// A redirect whose target is on the site is resolved further, so that the reader
// is sent once, to the end of the chain:
//
//   - at a page: to its own spelling (for an index twin, to Answer.Canonical);
//   - at another host's URL: to that;
//   - at a 404 or 410 row: the answer is 404 or 410;
//   - at a path that nothing answers: to that path, since another part of the
//     server may have it, as it would under Apache's Redirect.
//
// The status is 301 where every redirect of the chain is one, else 302; spelling
// does not count. Answer.Changed is the time of the youngest row on the way, but
// for the page at its end, whose changes do not alter the redirect. The last fragment on the way is kept. A chain that comes back to a path and query
// it has been at is a 404 with FlagLoop, one of more than MaxHops redirects a 404
// with FlagTooDeep, and a row that Clean would have refused a 404 with
// FlagBadRow; none of them sends a Location. Since a row governs its twins,
// a redirect from "/a" to "/a/" is a loop: without the row "/a" leads to "/a/" by
// itself.
//
// Resolver.CheckRedirect finds loops and deep chains when a row is written.
//
// Every Location starts with "http://", "https://" or exactly one "/", and has
// no byte below 0x21 or above 0x7E.
//
// # Queries
//
// Beyond query rows, a query changes nothing about a page. A redirect passes the
// request's query on, hop by hop, behind its target's own: parameters whose
// decoded name the target has itself are left out, and so are those that the
// query row matched, each as often as it did. What is passed on keeps its bytes
// and its order. A raw "#" in it is escaped, so that the fragment stays last. A
// row with DropQuery passes nothing on.
//
// # Names
//
// Denied lists what is never served, neither by a responder nor from /data:
// names with a leading dot anywhere on the way (but ".well-known", RFC 8615),
// what editors leave behind, and sources of server-side programs. DeniedPattern
// is the same list for Apache.
//
// Types tells media type, charset and language as mod_mime does: behind the
// first dot every part of a name counts, wherever it stands, in any case; the
// last type and the last charset win, languages add up, unknown parts say
// nothing. There is no charset unless a part names one, since pages may declare
// their own.
//
// The type decides how a file is served (Types.Class). Pages are HTML and other
// text, CSS, JavaScript, JSON, XML and its feeds, and images up to a limit;
// everything else, names of unknown type too, is data.
//
// # The table in memory
//
// Table is immutable: Apply makes another one that shares all it can, so readers
// need no lock and a change costs the same in a table of a million rows. It is a
// trie of rows by a hash of the path that passes over case and the final slash,
// seeded for each process, so that one
// look-up finds the exact row, the query rows, the slash twin and the other
// cases of a path, as one slice and without allocating. Prefix rows have a trie
// of their own; it is asked for every segment of a path, the hashes of which are
// steps of one computation. Rows of wiki pages stand in a third one as well, by the
// page's name, for Table.WikiPath, which leads from a name back to a path.
package mapping
