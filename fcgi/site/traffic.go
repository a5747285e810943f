// Who is told of what is read, and of what is missed.

package site

import "pagemap/mapping"

// Traffic counts what readers ask for. Its methods are called while a request
// is answered, by many goroutines at once: they return soon, and keep no string
// that they are given, but a copy, as it may be a part of a larger one.
type Traffic interface {
	// Hit is called for an answer that a row or a file gave: a page, in whole, in
	// part or as 304, a redirect other than to a page's own spelling, a 404 or 410
	// of a row. The pattern is the row's that answered first; that of a file
	// without a row is its page's path.
	Hit(pattern string)
	// Miss is called for a 404 because nothing answers: no row and no file, a row
	// whose file is gone or never served, a chain of redirects that leads nowhere.
	// The referrer is the header Referer as it came, or "".
	Miss(path mapping.Path, referrer string)
}

// nobody is a Traffic that nobody looks at.
type nobody struct{}

func (nobody) Hit(string)                {}
func (nobody) Miss(mapping.Path, string) {}
