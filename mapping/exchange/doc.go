// Package exchange reads and writes mappings in the formats of other programs.
//
// Read takes a file and gives an account of it: the rows that it says, in their
// canonical form (mapping.Hosts.Clean), and for each of its lines one Verdict.
// The counts by verdict add up to the file's lines. Whatever is not plainly
// accepted is a Problem with its line, the reason, and the way out. A problem of
// an accepted line is a note: what was read as something else, or which part of
// the line's meaning the rows do not have. Where a line means more than rows can
// say, rows say a part of it and the note tells the rest; where rows would answer
// what the line leaves alone, there are none, and the line is not expressible.
//
// Of two lines about one path the first counts; the second is a duplicate, or a
// conflict where it says otherwise. Statuses are those of rows; 308 is read as
// 301, 303 and 307 as 302, with a note. A whole URL on a host of the site is its
// path; on any other host it is refused as a path. Lines end in LF, CRLF or CR. A
// byte order mark is passed over. UTF-16 is refused as a whole (ErrEncoding).
//
// Write writes pages and tells what the format cannot hold of them: a row left
// out, or one written without a part such as its note. Reading what was written,
// with the same index names, gives the same rows but for these.
//
// # CSV and TSV
//
// RFC 4180 in UTF-8; the separator is a comma, semicolon or tab, as the first
// line has it or as it is given. A first line without paths names the columns, in
// any order and case:
//
//	path    a row's path: /a, /docs/*, /a?x=1
//	status  200, 301, 302, 404 or 410; empty beside a source: 301
//	source  file:/a.html, wiki:Page name, https://..., /path
//	query   "drop" for a redirect that does not pass the request's query on; "keep" or empty
//	tags    separated by commas
//	note    free text; its line ends become LF
//
// Other programs' names for these are known too: from, old, url; to, new,
// target, destination; code, type; comment. "source" is a path where another
// column has the targets. Unknown columns are passed over, which a note on the
// file tells. Without a header the columns are told from the first row. They can
// be given by name or place. Records that begin with "#" are comments. ReadCSV is
// strict: it wants a header and nothing to remark.
//
// # JSON lines
//
// The complete format: an object a line with the fields path, status, source,
// query, tags, note and origin, others being refused. The origin is as the line
// says; whoever writes the table decides what to make of it. The fields
// changed_by, changed_at and change are passed over.
//
// # Formats in which the first match wins
//
// The table asks exact rows with their twins first, and then the longest prefix
// row. So a rule that an earlier one keeps from ever answering makes no row: it
// is told as a duplicate, a conflict, or not expressible. And where the twin of
// an exact row (with another final slash, or the index file's) is answered by a
// prefix rule of the file, the twin gets a row of its own that says what that
// rule answers. IndexNames are the names that make twins.
//
// # Apache
//
// Htaccess is a per-directory file, in the directory Base; Httpd is server
// configuration. Arguments are split as Apache does it, which for mod_rewrite is
// a way of its own. All that is neither a redirect nor the structure around it
// is not expressible and stays with Apache. Rules are taken in the order in which
// Apache tries them: mod_rewrite's of the server, then mod_alias's of the server,
// then those of directories, mod_rewrite's first again; in each, by line.
//
//   - Redirect is a prefix row that keeps the rest: "Redirect /a /b" is
//     /a/* to /b/*. "Redirect /a/ /b/" is the same row, though Apache does not
//     answer /a itself. Paths are compared decoded, so "%20" in one is no blank. A
//     target with a query drops the request's; one with a query or a fragment is
//     read for the path alone.
//   - RedirectMatch and RewriteRule are read where the expression is a bounded
//     choice of texts, such as ^/(a|b)/?$, or of beginnings with ".*" behind
//     them. An unescaped "." is read as a dot, and an expression without "$" as one
//     for the path and all below it, with notes. RedirectMatch escapes its target
//     once more, RewriteRule without NE too.
//   - RewriteRule counts under "RewriteEngine On", with the flags R, G, L, END,
//     NC, NE, QSA, QSD, NS and DPI. A target without R is another page under the
//     same URL and not expressible, unless it is on another host; so are targets
//     without a slash unless there is a RewriteBase, since Apache puts a path on
//     disk before them.
//   - RewriteCond on %{QUERY_STRING} makes a query row where it is "^a=1$" or
//     "(^|&)a=1(&|$)". One on %{HTTP_HOST} that all hosts of the site match is
//     true. With others the rule is not expressible.
//   - <IfModule> is transparent, a negated one not expressible; a <VirtualHost>
//     counts unless it names hosts, none of which is the site's; <Directory>
//     counts below DocumentRoot, <Location> for Redirect.
//   - Letters of another case (NC) are left to the table, which folds them for
//     exact rows.
//
// Written are RewriteRules for exact and query rows and, behind them, Redirects
// and RedirectMatches for prefix rows.
//
// # _redirects
//
// Lines "FROM [NAME=VALUE...] TO [STATUS[!]]". A final slash of FROM makes no
// difference. "/a/* /b/:splat" is a prefix row that keeps the rest; parameters
// make a query row. Placeholders, conditions and 200 under a prefix are not
// expressible, nor, without "!", 404 and 410 under one, which leave files alone as a
// row would not; 200 for a path is the file of that name.
//
// # Maps
//
// RewriteMap is lines "KEY VALUE" of a text map, NginxMap the inside of a map
// block, or a file with such blocks, of nginx. Both hold 301s alone. Keys are
// paths, escaped or not; one without a slash at its beginning is below the root.
// nginx's regular expressions are read as Apache's are, behind the texts. What is
// written begins with comments that tell how the server is told of it. nginx compares
// texts without regard to case; rows for which that makes a difference, and those
// below a prefix, are written as expressions.
package exchange
