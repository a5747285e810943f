// The interface of a wiki, which the adapters of the various kinds implement.

package wiki

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/url"
	"time"
)

// ErrConflict is the error of Writer.Write where the page has another revision than the one to be replaced.
var ErrConflict = errors.New("wiki: the page was changed meanwhile")

// Wiki is where pages come from. An implementation is safe for concurrent use. Its errors wrap
// render.ErrNotFound for a page that is not there, and render.ErrUnavailable where it cannot tell.
type Wiki interface {
	// Stat names the present state of a page, as Open would return it, without its body where that is cheaper.
	Stat(ctx context.Context, name string) (State, error)
	// Open returns a page, redirects within the wiki followed.
	Open(ctx context.Context, name string) (*Page, error)
	// List yields the names of all pages, or an error that wraps errors.ErrUnsupported.
	List(ctx context.Context) iter.Seq2[string, error]
	// Changes returns the names of pages that were written, moved or deleted after the point that since
	// names, and the point where the next call goes on. "" is now: no names are returned. A name is returned as
	// Open takes it, and is the page's own, not that of a redirect to it; it may be one that is not asked for here, and
	// one of a page that is still the same. An error that wraps errors.ErrUnsupported says
	// that this wiki tells no changes: its pages are asked for one by one.
	Changes(ctx context.Context, since string) (names []string, next string, err error)
	// Target tells where a reference in the body of the page named from leads.
	Target(from string, ref *url.URL) Target
}

// Speller is a Wiki in which a page has one name in several spellings, all of which Open takes.
type Speller interface {
	// Spell returns the one spelling that stands for all of them; the wiki is not asked. Spellings
	// differ in case, and in spaces, underscores and a slash at the end, but in nothing else.
	Spell(name string) string
}

// Attacher is a Wiki whose attachments may have any size: those of more than render.MaxKept bytes, for which Open is
// render.ErrTooLarge.
type Attacher interface {
	// OpenAttachment returns an attachment as Open would, without its Body, and its bytes.
	OpenAttachment(ctx context.Context, name string) (*Page, io.ReadSeekCloser, error)
}

// Writer is a Wiki that takes pages.
type Writer interface {
	Wiki
	// Syntax is the language in which pages are written.
	Syntax() Syntax
	// Source returns a page's text in that language, and the revision that it has.
	Source(ctx context.Context, name string) (text []byte, revision string, err error)
	// Write makes a page, or a new state of the page that has the given revision; another one
	// there is ErrConflict, "" says that there is none yet. It returns the new revision.
	Write(ctx context.Context, name string, text []byte, note, revision string) (string, error)
}

// Syntax is a language in which a wiki's pages are written.
type Syntax string

// The languages.
const (
	Markdown Syntax = "markdown" // GitHub's, with attributes of headings and definition lists
	Wikitext Syntax = "wikitext" // MediaWiki's
)

// State is one state of a page.
type State struct {
	Name     string    // the page's own name, redirects followed and spelled as the wiki does
	Revision string    // equal revisions, equal pages
	Modified time.Time // zero where the wiki does not tell
}

// Page is a page as the wiki shows it.
type Page struct {
	State
	Title string // plain text
	Body  []byte // HTML in UTF-8, not to be trusted; of an attachment its bytes
	Type  string // "" for HTML that is drawn in a layout; the media type of an attachment, which is sent as it is
	Edit  string // URL where the page can be edited, or ""
}

// Target is where a reference leads: to a page or attachment of the wiki (Name), or elsewhere (URL).
type Target struct {
	Name     string // as Open takes it; "" where it leads to none
	URL      string // absolute, where readers find it without pagemap; "" where there is no such place
	Fragment string // of a link to Name, without "#"
}
