// Package serving makes the handler of a site's pages from its settings, for
// the program that serves them and the one that explains them.
package serving

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/fcgi"
	"os"

	"pagemap/cmd/internal/config"
	boundary "pagemap/fcgi"
	"pagemap/fcgi/site"
	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
)

// Options of New.
type Options struct {
	Settings *config.Settings
	Table    func() *mapping.Table
	Found    func(mapping.Row)  // may be nil
	Flagged  func(mapping.Flag) // likewise
	Traffic  site.Traffic       // likewise
	Edge     *site.Edge         // likewise
	Wiki     *Wiki              // likewise: then New opens that of the settings
	Pages    site.Pages
	Data     bool // serves the raw tree below /data, too: nothing is in front of it
	Logger   *slog.Logger
}

// Handler answers requests for a site's pages.
type Handler struct {
	http.Handler
	files *tree.Tree // nil: none
	wiki  *Wiki      // that it has opened itself; nil: none
	site  *site.Site
}

// New makes a handler of the settings, reading the files that they name. Close it.
func New(o Options) (*Handler, error) {
	s := o.Settings
	types, typesID, err := MediaTypes(s.MimeTypes)
	if err != nil {
		return nil, err
	}
	var errorPage []byte
	if s.ErrorPage != "" {
		if errorPage, err = os.ReadFile(s.ErrorPage); err != nil {
			return nil, fmt.Errorf("error page: %w", err)
		}
	}
	so := site.Options{
		Table: o.Table, Found: o.Found, Flagged: o.Flagged, Traffic: o.Traffic, Edge: o.Edge, Pages: o.Pages, Logger: o.Logger,
		IndexNames: s.Index, MultiViews: s.MultiViews, Hosts: s.Hosts(),
		Types: types, ImageLimit: int64(s.ImageLimit),
		Sources: map[mapping.SourceKind]render.Source{
			mapping.SourceWiki: render.Unavailable("no wiki is set up"),
		},
		Settings:      fmt.Sprintf("charset=%s types=%s", s.Charset, typesID),
		ErrorTemplate: string(errorPage),
		CacheControl: site.CacheControl{
			File: s.CacheFile, Wiki: s.CacheWiki, NewMoved: s.CacheRedirectNew,
			Moved: s.CacheRedirect, Gone: s.CacheRedirect, Found: s.CacheFound, NotFound: s.CacheMissing,
		},
		User: func(r *http.Request) string { return fcgi.ProcessEnv(r)["REMOTE_USER"] },
	}
	h := &Handler{}
	if s.Tree != "" {
		if h.files, err = tree.Open(s.Tree, tree.Options{IndexNames: s.Index}); err != nil {
			return nil, err
		}
		so.Files = h.files
		so.Sources[mapping.SourceFile] = render.NewFiles(h.files, types, render.FileOptions{DefaultCharset: s.Charset})
	}
	switch {
	case o.Wiki != nil:
		so.Sources[mapping.SourceWiki] = o.Wiki
	case s.Wiki != "":
		if h.wiki, err = NewWiki(s, o.Table, o.Pages, o.Logger); err != nil {
			_ = h.Close()
			return nil, err
		}
		so.Sources[mapping.SourceWiki] = h.wiki
	}
	if h.site, err = site.New(so); err != nil {
		_ = h.Close()
		return nil, err
	}
	h.Handler = h.site
	if o.Data && h.files != nil {
		h.Handler = h.site.Embedded(h.files)
	}
	return h, nil
}

// Prompt answers what needs no waiting, of the pages alone. It is fcgi.Options.Prompt.
func (h *Handler) Prompt(q *boundary.Query, a *boundary.Answer) bool { return h.site.Prompt(q, a) }

// Identity names all that decides what a path answers now, and tells whether a
// cache in front may store it.
func (h *Handler) Identity(ctx context.Context, p mapping.Path) (identity string, storable bool) {
	return h.site.Identity(ctx, p)
}

// Explain tells how the table resolves a request's target.
func (h *Handler) Explain(t mapping.Target) (mapping.Answer, []mapping.Step) {
	return h.site.Explain(t)
}

// ErrorPages are the site's error pages, by status.
func (h *Handler) ErrorPages() map[int][]byte { return h.site.ErrorPages() }

// Close gives back the file tree and the wiki.
func (h *Handler) Close() error {
	var errs []error
	if h.wiki != nil {
		errs = append(errs, h.wiki.Close())
	}
	if h.files != nil {
		errs = append(errs, h.files.Close())
	}
	return errors.Join(errs...)
}

// systemTypes is the table of media types that is read, where it exists, when
// none is named.
const systemTypes = "/etc/mime.types"

// MediaTypes reads a table of media types, and returns it with a name for its
// content. The file "" is /etc/mime.types where it exists, else a built-in table.
func MediaTypes(file string) (types *mapping.Types, id string, err error) {
	named := file != ""
	if !named {
		file = systemTypes
	}
	text, err := os.ReadFile(file)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return mapping.DefaultTypes(), "built-in", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("media types: %w", err)
	}
	types, err = mapping.ParseTypes(string(text))
	if err != nil {
		return nil, "", fmt.Errorf("media types in %s: %w", file, err)
	}
	return types, fmt.Sprintf("%x", sha256.Sum256(text)), nil
}
