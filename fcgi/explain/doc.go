// Package explain tells maintainers what a URL answers, and why: for pagemapctl
// and the admin page, which show the same facts.
//
// The answer is that of the handler which answers readers, asked with HEAD over the
// table in force; the steps are those of its resolver. Beside them stand the rows
// that were met, with the change-set that wrote each of them last (with a
// database), the redirects that were followed, the state of the file, and whether
// the page is kept. The handler must be one of its own: it counts nothing, adds no
// rows, and has Undrawn for its cache.
//
// For what answers 404 there are suggestions (mapping.Resolver.Near). The quick ones
// are other spellings; all of them take a pass over the table.
package explain
