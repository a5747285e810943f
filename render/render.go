// Package render draws pages. A [Source] draws those of one kind: [Files] the
// files of the legacy tree, byte for byte; [Unavailable] stands for a kind that is
// not set up.
//
// # Revisions
//
// A page is kept under the revision of its source, so a revision must not outlive its bytes.
// That of a file is its size and its modification time to the nanosecond. Three
// things can go wrong, and each makes the page Volatile, which is sent and not kept:
//
//   - The file may change again without its time moving on, as clocks of file systems are
//     coarse: so it is Volatile while it was modified less than 2 s ago, or in
//     the future by less than a day (a file server's clock is ahead). A date
//     beyond that was set by somebody, and counts as settled.
//   - The file changes while it is read: size, modification and change time of the open file are
//     compared before and after. Where they differ it is opened and read again, three times in all.
//   - The file changes between a Stat and the Render: the document has the revision of
//     what was read, which is then not the one of the key.
//
// # Documents
//
// A document holds the body as it is and in the encodings that pay: gzip where the type is compressible and
// it saves at least 64 bytes, brotli where it saves 64 bytes more. A source draws the body alone. Encodings are left
// to a cache, which knows who reads the page: [Encoder.Gzip] takes several times as long as a file takes to be read, and brotli
// three times as long again. [Encoder.Complete] returns a new document, whose encodings are all there. Equal bodies
// have equal encodings.
//
// Most readers take gzip ([Packs]) and need no other bytes; some take the body alone. A cache may therefore keep a
// document in one of two forms: plain, without encodings, or packed, without the body
// where there is gzip, from which [Encoder.Identity] brings it back.
//
// The ETag is the SHA-256 of type and language (each with its length before it) and identity bytes, its
// first 16 bytes in base64url. The type is what mod_mime would say; text/html and text/plain
// get the default charset where their name has none and one is configured.
//
// # Negotiation
//
// [Document.Select] takes of the encodings that are there the one that the client likes best (RFC 9110,
// 12.5.3): the highest weight in Accept-Encoding, and of equal ones brotli before gzip before identity. An encoding that is
// not named has the weight of "*"; without one, gzip and brotli are refused and identity is liked
// least. A weight of 0 refuses. A client that refuses everything is sent identity, as is one without
// the header. x-gzip is gzip. An item whose weight cannot be read is passed over, and of two for the
// same encoding the higher counts.
//
// Each encoding has its own strong ETag: that of identity, with "-gzip" or "-br" behind it. An answer says
// "Vary: Accept-Encoding" where the document has several encodings or may get them
// later ([Document.Varies]), so that it does not change when they come.
//
// # Large pages
//
// Pages above [MaxKept] are not drawn but streamed: their ETag hashes the revision
// in place of the bytes and, while that is Volatile, also the time, so that it matches nothing later.
package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"pagemap/mapping"
)

// Errors of sources, tested with errors.Is.
var (
	ErrNotFound    = errors.New("render: page not found")   // answered 404
	ErrUnavailable = errors.New("render: page unavailable") // answered 503

	// ErrTooLarge: the page has more than MaxKept bytes, Open streams it. It is an ErrUnavailable.
	ErrTooLarge = fmt.Errorf("render: page too large to be kept: %w", ErrUnavailable)
)

// MaxKept is the size in bytes up to which a page is kept; larger ones are streamed.
const MaxKept = 900 << 10

// Revision is one state of a page's source.
type Revision struct {
	ID       string    // names the state: equal IDs, equal bytes
	Modified time.Time // of the source
	Size     int64     // of the body where known before it is drawn (files), else -1
	Volatile bool      // may still change without changing its ID: serve, do not keep
	Ref      string    // where the source really is (a file behind a symlink), else the ref asked for
	Stale    bool      // the last state known, as the source cannot be asked
}

// Document is a page drawn once, ready to be kept and sent. It is immutable.
type Document struct {
	Type     string // Content-Type; "" where nothing tells it
	Language string // Content-Language, or ""
	Modified time.Time
	Revision string // the ID of the revision that was drawn
	ETag     string // strong validator of the identity bytes, without quotes or suffix; see SetETag
	Volatile bool   // not to be kept
	Body     []byte // identity; nil in the packed form where there is Gzip
	Gzip     []byte // nil where it does not pay, and in the plain form
	Brotli   []byte // nil where it does not pay, and until the document is Complete
	Complete bool   // no encoding will be added
	quoted   string // ETags of the variants, one behind the other: set by SetETag
}

// Page is what a Source draws.
type Page struct {
	Path mapping.Path // where readers find it; "" where only its being there matters
	Ref  string       // what the row names: a path key in the tree, a wiki page's name
}

// Plain is the document in the plain form.
func (d *Document) Plain() *Document {
	if d.Gzip == nil && d.Brotli == nil {
		return d
	}
	p := *d
	p.Gzip, p.Brotli, p.Complete = nil, nil, false
	return &p
}

// Packed is the document in the packed form.
func (d *Document) Packed() *Document {
	if d.Gzip == nil || d.Body == nil || len(d.Body) > MaxKept {
		return d
	}
	p := *d
	p.Body = nil
	return &p
}

// Want says which page is wanted of a cache, and for which readers.
type Want struct {
	Inputs []string // name the page and its revision
	Packed bool     // the reader Packs: the document may be in the packed form
	Local  bool     // the page is drawn as quickly as another process could be asked for it
}

// Source draws the pages of one kind ("file", "wiki"). An implementation is safe
// for concurrent use. Errors are ErrNotFound and ErrUnavailable, wrapped.
type Source interface {
	// Stat returns the present revision of a page, cheaply.
	Stat(ctx context.Context, p Page) (Revision, error)
	// Render draws the page. The document's Revision may be newer than a Stat before it.
	Render(ctx context.Context, p Page) (*Document, error)
}

// Prompter is a Source that may know a page's revision already.
type Prompter interface {
	// Known is Stat where nothing has to be waited for; else ok is false.
	Known(p Page) (rev Revision, ok bool)
}

// Streamer is a Source with pages too large to be kept.
type Streamer interface {
	// Open returns the page's head (a Document without bodies) and its bytes.
	Open(ctx context.Context, p Page) (*Document, io.ReadSeekCloser, error)
}
