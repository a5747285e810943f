// Package site answers requests for pages: it asks the page table what a URL is
// and answers that. It does so in two ways, with the same status, headers and
// bytes: as an http.Handler, and by Site.Prompt, before net/http sees the
// request, where nothing has to be waited for.
//
// # The order
//
// A request is answered from its raw target, http.Request.RequestURI, alone;
// neither URL.Path nor Host is read. In this order:
//
//  1. The target is parsed (mapping.ParseTarget): 400 for a bad path, 414 for
//     one that is too long. Without a table yet: 503.
//  2. The table in force, taken once, resolves it: a page, a redirect, gone, or
//     nothing.
//  3. A redirect or gone row answers every method; an unknown path is 404 for
//     every method. A page answers GET and HEAD, in whatever spelling; OPTIONS
//     there is 204, any other method 405, both with Allow. Bodies of requests
//     are not read.
//  4. A page's source tells its present revision; a page that is not there is
//     404, before any redirect to its spelling. What it told is good for
//     Options.LookFor, and for a quarter of a second where it is no file, for each page that is drawn from it; not what is not there,
//     and not a revision that may still change. A file's name and size say
//     whether it is a page; a data resource is answered 302 to the data prefix
//     followed by the key of the place where the file really is, without the
//     query. A file without a row is reported (Options.Found).
//  5. The page is taken from Options.Pages under a key that names its inputs, or
//     drawn. One of more than render.MaxKept bytes is streamed and not kept.
//  6. Preconditions, then ranges, then the body.
//
// # The key
//
// The inputs of a page are, in this order: the version of this list, the
// settings and layout that alter documents (Options.Settings), the page's own
// path, its status, its source as the table writes it, and the revision's ID.
// So whatever changes makes another key, nothing needs to be purged, and who
// draws the old page late keeps it where nobody looks. A document that turns
// out to be of another revision than the one the key names, or of a revision
// that may still change, is marked volatile: served, not kept.
//
// # Prompt answers
//
// Prompt leaves to the handler: pages that are not in memory, but for a file that is sent
// as it is, which is read at once; pages that are streamed,
// sources that do not know their revision without waiting (render.Prompter), ranges, If-Match and
// If-Unmodified-Since, users that Options.User has to look at, and errors of the
// site's own, which are logged.
//
// # Headers
//
// Cache-Control (see CacheControl for the defaults) depends on the answer:
//
//	200 of a file, 200 of a wiki page       File, Wiki
//	301 whose youngest row is younger       NewMoved
//	than a day; older                       Moved
//	302, those to data resources too        Found
//	404, 410                                NotFound, Gone
//	spelling redirects, all other errors    no-store
//
// With Authorization or a user that the front server has authenticated, every
// answer is private.
//
// A page has a strong ETag: the document's, with "-gzip" behind it for the
// compressed bytes. Last-Modified is the later of the document's and, where a
// person or an import wrote the row, the row's change, so that a page flipped to
// an older source does not look unchanged; a time in the future is replaced by
// the present (RFC 9110, 8.8.2.1). Vary: Accept-Encoding is sent where there are
// two encodings, Content-Language where the language is known, Link with
// rel="canonical" where the page was asked for by its other name, and
// Cache-Status (RFC 9211), with "detail=stale" where its source cannot be asked and
// this is the last state known (render.Revision.Stale). A page whose type is not known is sent without one.
// HEAD has the headers of GET.
//
// Preconditions follow RFC 9110, 13.2.2. If-None-Match compares weakly; ETags
// are recognised under the suffixes "-gzip" and "-br" too, which a front server
// may have added. A date that cannot be read, or in If-Modified-Since one in the
// future, is ignored. 304 has ETag, Last-Modified, Cache-Control and Vary; 412
// is an error. Ranges are of the identity bytes, so a request with one gets no
// gzip, and If-Range compares strongly with the identity's ETag or the exact
// date. A unit other than bytes is ignored; 416 keeps the ETag.
//
// Redirects and errors have no validators. Their bodies are HTML prepared when
// the handler is made. Errors never show more than their status.
//
// # The edge
//
// A cache in front, such as the front server's own, may store pages if its
// invalidation is exact (Options.Edge). What it may store has s-maxage, of at
// most MaxEdgeAge, in its Cache-Control; every other answer is private or
// no-store. It may store a page
//
//   - in its own spelling, percent escapes and all: not by the name of its index
//     file, which a request to forget the page would not reach;
//   - whose path has no query rows, since it passes over queries;
//   - asked for by GET or HEAD without Authorization, user and Range;
//   - that is kept itself: not a streamed one, and none that may still change
//     without its revision telling;
//   - whose Cache-Control does not forbid it.
//
// For such a page the source is looked at anew, and preconditions are passed
// over: they may be the cache's own, which must get the page that it is to store.
// Edge.Handed is told of each, and if the table was switched until it has
// returned, the answer becomes private: the invalidation may have been before it.
//
// A shared cache forgets a page when it sees an answer other than an error to an
// unsafe method (RFC 9111, section 4.4): so the pool's own DELETE is answered 204,
// and anybody else's is 405, as in every mode.
//
// # Data
//
// Site.Data serves the raw tree where no front server does; Site.Embedded puts
// it beside the pages.
package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"pagemap/mapping"
	"pagemap/render"
)

// Options of New.
type Options struct {
	Table      func() *mapping.Table // the table in force, called once per request; nil from it: not loaded yet, 503
	Files      mapping.Files         // nil: no tree
	IndexNames []string              // names that a directory's URL stands for, best first
	MultiViews bool                  // "/page" stands for "/page.html"
	Hosts      mapping.Hosts         // the site's own: redirects to them are followed as site paths

	Types      *mapping.Types // tells pages from data; nil: mapping.DefaultTypes
	ImageLimit int64          // bytes up to which an image is a page; 0: mapping.DefaultImageLimit
	DataPrefix string         // key of the path where data resources are, without a slash at the end; "": "/data"

	Sources  map[mapping.SourceKind]render.Source // a page of a kind that is missing here is 503
	Pages    Pages
	Settings string // names all settings and the layout that alter documents

	CacheControl  CacheControl
	RetryAfter    time.Duration              // of a 503, in whole seconds; 0: 5 s
	ErrorTemplate string                     // html/template of error pages, fed with ErrorPage; "": a plain page
	User          func(*http.Request) string // whom the front server authenticated, or ""; asked by Prompt only where REMOTE_USER is not empty; nil: nobody

	Found   func(mapping.Row)  // called for a file found without a row; must not block; nil: not called
	Flagged func(mapping.Flag) // called for an answer that a maintainer should look at; nil: not called
	Traffic Traffic            // is told what is read; nil: nobody
	Edge    *Edge              // the cache in front; nil: there is none
	LookFor time.Duration      // how long what was seen of a source is taken for its present state; 0: 750 ms, below 0: it is looked at for every request
	Now     func() time.Time   // nil: time.Now
	Logger  *slog.Logger       // nil: slog.DiscardHandler
}

// Pages keeps drawn pages. Get returns the page that is wanted, or draws
// it with fill; it does not keep one that is Volatile. cacheStatus is the value
// of the header Cache-Status. The error is fill's, or the context's.
//
// Ready is Get where the page is at hand without waiting; else ok is false. Draw is Get where nothing
// but fill, and that is called by the same goroutine, stands between the reader and the page; else ok is false.
//
// Complete makes the encodings that a document of Ready's has not got yet, some
// time, without waiting: a reader would have taken one.
type Pages interface {
	Complete(w render.Want, doc *render.Document)
	Ready(w render.Want) (doc *render.Document, cacheStatus string, ok bool)
	Draw(w render.Want, fill func(context.Context) (*render.Document, error)) (doc *render.Document, cacheStatus string, ok bool, err error)
	Get(ctx context.Context, w render.Want, fill func(context.Context) (*render.Document, error)) (doc *render.Document, cacheStatus string, err error)
}

// Site is the handler of pages. It is safe for concurrent use.
type Site struct {
	o        Options
	caching  caching
	errors   errorPages
	looks    *otter.Cache[lookKey, *look]
	encoder  render.Encoder
	resolver atomic.Pointer[mapping.Resolver] // of the table met last
}

// New returns a ready handler.
func New(o Options) (*Site, error) {
	if o.Table == nil || o.Pages == nil {
		return nil, errors.New("site: Options.Table and Options.Pages are needed")
	}
	if o.Types == nil {
		o.Types = mapping.DefaultTypes()
	}
	if o.ImageLimit == 0 {
		o.ImageLimit = mapping.DefaultImageLimit
	}
	if o.DataPrefix == "" {
		o.DataPrefix = "/data"
	}
	if p, err := mapping.ParsePath(o.DataPrefix); err != nil || string(p) != o.DataPrefix || strings.HasSuffix(o.DataPrefix, "/") {
		return nil, fmt.Errorf("site: data prefix %q: want a path such as /data", o.DataPrefix)
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Traffic == nil {
		o.Traffic = nobody{}
	}
	if o.LookFor == 0 {
		o.LookFor = lookFor
	}
	if o.Edge != nil {
		edge := *o.Edge
		if err := edge.check(); err != nil {
			return nil, err
		}
		o.Edge = &edge
	}
	looks, err := newLooks()
	if err != nil {
		return nil, fmt.Errorf("site: looks: %w", err)
	}
	cc, err := newCaching(o.CacheControl, o.Edge)
	if err != nil {
		return nil, err
	}
	pages, err := newErrorPages(o.ErrorTemplate)
	if err != nil {
		return nil, fmt.Errorf("site: error template: %w", err)
	}
	return &Site{o: o, caching: cc, errors: pages, looks: looks}, nil
}

// current returns the resolver over the table in force, or nil where there is
// none yet.
func (s *Site) current() *mapping.Resolver {
	t := s.o.Table()
	if t == nil {
		return nil
	}
	if rv := s.resolver.Load(); rv != nil && rv.Rows == mapping.Rows(t) {
		return rv
	}
	rv := &mapping.Resolver{
		Rows: t, Files: s.o.Files, IndexNames: s.o.IndexNames, MultiViews: s.o.MultiViews, Hosts: s.o.Hosts,
	}
	s.resolver.Store(rv)
	return rv
}
