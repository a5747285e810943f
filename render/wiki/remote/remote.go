// Package remote reads a wiki, or anything else, that can show a page at a URL.
//
// # Where pages are
//
// A template names the URL of every page: in "https://wiki.example.org/{page}?action=content", {page} stands for the
// name. In a path each part of the name between slashes is escaped on its own, in a query the name is escaped as a
// whole. A name is not found, without asking, that is empty, not UTF-8, longer than 1024 bytes, has a control character or
// an empty part, or "." or ".." for one. Presets ([Kind]) know the templates of some wikis:
//
//	mediawiki  BASEindex.php?title={page}&action=render
//	moinmoin   BASE{page}?action=content
//	dokuwiki   BASEdoku.php?id={page}&do=export_xhtmlbody   names have slashes between their namespaces
//	gollum     BASE{page}, of which .markdown-body is selected
//
// The base is a directory; a path that ends in a file's name stands for the directory of that file.
// Names of a MediaWiki are titles, as in package mediawiki; those of a DokuWiki have letters, digits and "._-" inside their parts, in
// any case, with spaces for underscores.
//
// # What is read
//
// The body is what a CSS selector matches first in the document that the URL shows; without one, the
// answer is the body itself and nothing around it: then a whole document (with <html> or a doctype) is not the page but some
// other one, such as a form to log in, and the page is unavailable. The charset is the declared one, as the HTML
// standard finds it, else UTF-8 where the bytes are that, else windows-1252. Comments are dropped: wikis write times into them.
//
// The title is the text of the body's first h1, else of the document's title, else the last part of the name.
//
// A picture, a film, a sound or a PDF is an attachment. Any other type than HTML is not the page.
//
// # What is not there
//
// The status 404 or 410 says so, and where a wiki answers 200 or leads elsewhere:
// DokuWiki a document of the class "notFound"; Gollum a redirect to "create" the page; MoinMoin an empty
// body, or one with a link to edit the page itself, which is how its page about missing pages offers to make
// it. Every other status than 200 is render.ErrUnavailable.
//
// A DokuWiki page is empty for the moment in which it is written, and then shown as a whole document: it is asked for again.
//
// # Redirects
//
// A redirect within the host is followed (package fetch). Where it ends at the address of another page, that page's own
// URL is asked, and the page has that name: for a redirect forgets what is asked for, such as "?action=content".
//
// # Revisions
//
// The revision is a hash of title and body (of an attachment: of its bytes). Where the wiki sends an ETag, or a Last-Modified
// that can be trusted, Stat asks with them, and 304 says that the revision is still the remembered one. Modified is
// Last-Modified. There are no changes to be followed and no list: both are errors.ErrUnsupported.
//
// # Links
//
// A link leads to a page if it is the address where readers find it: the template without the parameters
// that the page's name is not in; of presets also other forms that their wikis write. Everything else has a URL alone.
package remote

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/andybalholm/cascadia"
	"github.com/maypok86/otter/v2"

	"pagemap/render"
	"pagemap/render/wiki"
	"pagemap/render/wiki/fetch"
)

const (
	remembered = 20_000                // pages whose validators are remembered
	maxHops    = 5                     // pages that a redirect leads through
	maxAgain   = 6                     // times that a page is asked for again that is just being written
	flicker    = 25 * time.Millisecond // until the first of them; then twice as long each time
)

// Options of New: either Template, or Kind and Base.
type Options struct {
	Template string   // URL with {page} in it once
	Kind     Kind     // a preset
	Base     *url.URL // where the wiki of that kind is
	Select   string   // CSS selector of the body; "": the preset's, else all of it

	User, Password string        // Basic authentication; "": none
	Timeout        time.Duration // of one request; 0: 10 s
	MaxBytes       int64         // of one answer; 0: 8 MiB
	MaxConns       int           // requests at a time; 0: 4
}

// Wiki is a wiki that shows pages at URLs.
type Wiki struct {
	kind   preset
	page   template
	view   template   // where readers find a page
	links  []template // of links to pages
	edit   *template  // nil: not known
	sel    cascadia.Selector
	client *fetch.Client
	seen   *otter.Cache[string, seen] // by the URL asked for
}

// errEmpty: the wiki shows the page as one without text.
var errEmpty = fmt.Errorf("the page is empty: %w", render.ErrUnavailable)

// seen is what an answer was, as far as the next one can be compared with it.
type seen struct {
	validators fetch.Validators
	state      wiki.State
}

var _ wiki.Speller = (*Wiki)(nil)

// New returns a wiki. It is not asked for anything yet.
func New(o Options) (*Wiki, error) {
	w := &Wiki{}
	if err := w.place(o); err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	if o.Select == "" {
		o.Select = w.kind.sel
	}
	var err error
	if o.Select != "" {
		if w.sel, err = cascadia.Compile(o.Select); err != nil {
			return nil, fmt.Errorf("remote: selector %q: %w", o.Select, err)
		}
	}
	w.client, err = fetch.New(fetch.Options{
		Site: w.page.url("x"), User: o.User, Password: o.Password, Timeout: o.Timeout, MaxBytes: o.MaxBytes, MaxConns: o.MaxConns,
	})
	if err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	if w.seen, err = otter.New(&otter.Options[string, seen]{MaximumSize: remembered}); err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	return w, nil
}

// place makes the templates.
func (w *Wiki) place(o Options) error {
	if (o.Template == "") == (o.Kind == "") {
		return errors.New("either a template or a preset is needed")
	}
	page := o.Template
	var links []string
	var edit, base string
	if o.Kind != "" {
		var ok bool
		if w.kind, ok = presets[o.Kind]; !ok {
			return fmt.Errorf("%q is no preset", o.Kind)
		}
		if o.Base == nil {
			return fmt.Errorf("the preset %s needs the wiki's URL", o.Kind)
		}
		base = o.Base.ResolveReference(&url.URL{Path: "./"}).String()
		page, edit, links = base+w.kind.page, w.kind.edit, w.kind.links
	}
	var err error
	if w.page, err = parseTemplate(page); err != nil {
		return err
	}
	w.view = w.page.bare()
	w.links = []template{w.page, w.view}
	for _, link := range links {
		if !strings.HasPrefix(link, "/") {
			link = base + link
		} else {
			link = o.Base.Scheme + "://" + o.Base.Host + link
		}
		t, err := parseTemplate(link)
		if err != nil {
			return err
		}
		w.links = append(w.links, t)
	}
	if edit != "" {
		t, err := parseTemplate(base + edit)
		if err != nil {
			return err
		}
		w.edit = &t
	}
	return nil
}

// Spell implements wiki.Speller.
func (w *Wiki) Spell(name string) string {
	if w.kind.spell == nil {
		return name
	}
	return w.kind.spell(name)
}

// name is a page's name as it is asked for; it is render.ErrNotFound where there is no such.
func (w *Wiki) name(name string) (string, error) {
	spelled := w.Spell(name)
	if !possible(spelled) || w.kind.possible != nil && !w.kind.possible(spelled) {
		return "", fmt.Errorf("no page has such a name: %w", render.ErrNotFound)
	}
	return spelled, nil
}

// written is a name as it is in URLs.
func (w *Wiki) written(name string) string {
	if w.kind.colons {
		return strings.ReplaceAll(name, "/", ":")
	}
	return name
}

// Stat implements wiki.Wiki.
func (w *Wiki) Stat(ctx context.Context, name string) (wiki.State, error) {
	p, err := w.read(ctx, name, true)
	if err != nil {
		return wiki.State{}, fmt.Errorf("remote: state of %.300q: %w", name, err)
	}
	return p.State, nil
}

// Open implements wiki.Wiki.
func (w *Wiki) Open(ctx context.Context, name string) (*wiki.Page, error) {
	p, err := w.read(ctx, name, false)
	if err != nil {
		return nil, fmt.Errorf("remote: open %.300q: %w", name, err)
	}
	return p, nil
}

// read returns a page; if only its state is asked for and the wiki says that it is the same, without the rest.
func (w *Wiki) read(ctx context.Context, name string, state bool) (*wiki.Page, error) {
	name, err := w.name(name)
	if err != nil {
		return nil, err
	}
	again := 0
	for range maxHops + maxAgain + 1 {
		asked := w.page.url(w.written(name))
		key := asked.String()
		var before seen
		if state {
			before, _ = w.seen.GetIfPresent(key)
		}
		answer, err := w.client.Get(ctx, asked, before.validators)
		if err != nil {
			return nil, err
		}
		if answer.Status == http.StatusNotModified {
			return &wiki.Page{State: before.state}, nil
		}
		if answer.URL.String() != key {
			other, err := w.led(answer.URL)
			if err != nil {
				return nil, err
			}
			if other != "" && other != name {
				name = other
				continue
			}
		}
		p, err := w.draw(name, answer)
		if errors.Is(err, errEmpty) && again < maxAgain && sleep(ctx, flicker<<again) {
			again++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", answer.URL.Redacted(), err)
		}
		if v := fetch.ValidatorsOf(answer); v != (fetch.Validators{}) {
			w.seen.Set(key, seen{v, p.State})
		} else {
			w.seen.Invalidate(key)
		}
		return p, nil
	}
	return nil, fetch.ErrRedirects
}

// sleep waits, unless the caller gives up.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// led is the name of the page at whose address a redirect ended, or "".
func (w *Wiki) led(u *url.URL) (string, error) {
	if w.kind.create != "" && strings.Contains(u.Path, w.kind.create) {
		return "", fmt.Errorf("the wiki offers to create it: %w", render.ErrNotFound)
	}
	for _, t := range w.links {
		if other, ok := t.lenient().name(u); ok {
			if other, err := w.name(other); err == nil {
				return other, nil
			}
		}
	}
	return "", nil
}

// draw makes a page of an answer.
func (w *Wiki) draw(name string, a *fetch.Answer) (*wiki.Page, error) {
	switch a.Status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, fmt.Errorf("status %d: %w", a.Status, render.ErrNotFound)
	default:
		return nil, fmt.Errorf("status %d: %w", a.Status, render.ErrUnavailable)
	}
	p := &wiki.Page{State: wiki.State{Name: name}}
	if v := fetch.ValidatorsOf(a); v.LastModified != "" {
		p.Modified, _ = http.ParseTime(v.LastModified) // it is one
	}
	contentType := a.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && (media == "text/html" || media == "application/xhtml+xml"):
		if err := w.body(p, a.Body, contentType); err != nil {
			return nil, err
		}
		if w.edit != nil {
			p.Edit = w.edit.url(w.written(name)).String()
		}
	case err == nil && attachment(media):
		p.Title, p.Type, p.Body = name, media, a.Body
	default:
		return nil, fmt.Errorf("type %q, not HTML: %w", contentType, render.ErrUnavailable)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s %s", len(p.Title), p.Title, p.Type)
	sum.Write(p.Body)
	p.Revision = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16])
	return p, nil
}

// attachment reports that a type is one of files that pages show or link to.
func attachment(media string) bool {
	kind, _, _ := strings.Cut(media, "/")
	return kind == "image" || kind == "audio" || kind == "video" || media == "application/pdf"
}

// List implements wiki.Wiki.
func (w *Wiki) List(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		yield("", fmt.Errorf("remote: list: %w", errors.ErrUnsupported))
	}
}

// Changes implements wiki.Wiki.
func (w *Wiki) Changes(context.Context, string) ([]string, string, error) {
	return nil, "", fmt.Errorf("remote: changes: %w", errors.ErrUnsupported)
}

// Target implements wiki.Wiki.
func (w *Wiki) Target(from string, ref *url.URL) wiki.Target {
	u := w.view.url(w.written(from)).ResolveReference(ref)
	for _, t := range w.links {
		name, ok := t.name(u)
		if !ok {
			continue
		}
		if name, err := w.name(name); err == nil {
			target := wiki.Target{Name: name, Fragment: u.Fragment}
			u.Fragment, u.RawFragment = "", ""
			target.URL = u.String()
			return target
		}
	}
	return wiki.Target{URL: u.String()}
}
