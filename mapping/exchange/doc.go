// Package exchange reads and writes mappings in other formats.
//
// # CSV
//
// RFC 4180 in UTF-8, with or without a byte order mark, lines ended by LF or CRLF. The
// first record names the columns, in any order and case:
//
//	path    required: a row's path: /a, /docs/*, /a?x=1
//	status  required: 200, 301, 302, 404 or 410
//	source  required, empty for 404: file:/a.html, wiki:Page name, https://…, /path
//	query   "drop" for a redirect that does not pass the request's query on; "keep" or empty
//	tags    separated by commas
//	note    free text; its line ends become LF
//
// Every row is checked and brought to its canonical form by mapping.Hosts.Clean. Two rows
// with one canonical path are a mistake. Nothing is a comment.
package exchange
