// Source: a wiki's pages, drawn in the site's look.

package wiki

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"strings"
	"sync"
	"time"

	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/look"
)

// drawing is the version of what is made of the same page, layout and rows.
const drawing = "1"

// maxBody is the size in bytes up to which a page's HTML is read.
const maxBody = 2 << 20

// Defaults of Options.
const (
	DefaultPoll    = time.Second
	DefaultTimeout = 5 * time.Second
	DefaultMemory  = 16 << 20
)

// Options of NewSource.
type Options struct {
	Wiki  Wiki
	Near  bool // the wiki answers at once: it is asked each time, and nothing is remembered
	Look  func(mapping.Path) (l *look.Layout, modified time.Time)
	Table func() *mapping.Table // the table in force; nil from it: an empty one
	Hosts mapping.Hosts         // the site's own
	Site  string                // the site's URL, such as https://www.example.org; "": canonical links are paths
	Text  bool                  // links to pages that no row leads to become text, in place of links into the wiki

	Store   Store         // what the pool knows; nil: each process is on its own
	Memory  int64         // bytes of pages that are remembered; 0: DefaultMemory
	Poll    time.Duration // age at which what is remembered is looked at again; 0: DefaultPoll
	Timeout time.Duration // of one question to the wiki; 0: DefaultTimeout
	Now     func() time.Time
	Logger  *slog.Logger // nil: slog.DiscardHandler
}

// Source draws a wiki's pages. It implements render.Source, render.Prompter and render.Streamer.
type Source struct {
	o       Options
	spell   func(string) string
	pages   pages
	close   func()
	encoder render.Encoder

	settings string // that alter documents

	mu      sync.Mutex                 // protects the rest
	layouts map[string]map[string]bool // ids of the layouts that were met, by the layout's ID
	refused map[string]error           // why pages cannot be drawn, by revision
}

// pages is where pages come from: the wiki, or what is remembered of it.
type pages interface {
	// state returns the present state of a page, and whether it is the last known one, as
	// the wiki cannot be asked.
	state(ctx context.Context, name string) (State, bool, error)
	// open returns a page.
	open(ctx context.Context, name string) (*Page, error)
	// known is state where nothing has to be waited for; else ok is false.
	known(name string) (s State, stale, ok bool)
}

// NewSource returns a source of the wiki's pages. Close it.
func NewSource(o Options) (*Source, error) {
	if o.Wiki == nil || o.Look == nil || o.Table == nil {
		return nil, errors.New("wiki: Options.Wiki, Look and Table are needed")
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		o: o, spell: func(name string) string { return name }, close: func() {}, layouts: map[string]map[string]bool{},
		refused: map[string]error{}, settings: fmt.Sprintf("%q %q %t", o.Hosts, o.Site, o.Text),
	}
	if speller, ok := o.Wiki.(Speller); ok {
		s.spell = speller.Spell
	}
	if o.Near {
		s.pages = near{o.Wiki}
		return s, nil
	}
	r, err := newRemembered(&o, s.spell)
	if err != nil {
		return nil, err
	}
	s.pages, s.close = r, r.stop
	return s, nil
}

// Close ends what goes on in the background.
func (s *Source) Close() error {
	s.close()
	return nil
}

// inputs is what a document is made of besides the page.
type inputs struct {
	table    *mapping.Table
	rows     mapping.WikiState
	layout   *look.Layout
	modified time.Time // of layout and rows, the later one
}

func (s *Source) inputs(p render.Page) inputs {
	in := inputs{table: s.o.Table()}
	path := p.Path
	if path == "" {
		path = "/"
	}
	if in.table == nil {
		in.table = new(mapping.Table)
	}
	in.rows, in.modified = in.table.WikiState()
	var drawn time.Time
	if in.layout, drawn = s.o.Look(path); drawn.After(in.modified) {
		in.modified = drawn
	}
	return in
}

// revision names everything that a page is drawn from.
func (s *Source) revision(p render.Page, state State, in inputs, stale bool) render.Revision {
	h := sha256.New()
	var n [binary.MaxVarintLen64]byte
	for _, part := range [...]string{drawing, state.Name, state.Revision, in.layout.ID(), string(in.rows[:]), string(p.Path), s.settings} {
		h.Write(n[:binary.PutUvarint(n[:], uint64(len(part)))])
		h.Write([]byte(part))
	}
	var sum [sha256.Size]byte
	return render.Revision{
		ID:       base64.RawURLEncoding.EncodeToString(h.Sum(sum[:0])[:18]),
		Modified: latest(state.Modified, in.modified), Size: -1, Ref: p.Ref, Stale: stale,
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Stat implements render.Source.
func (s *Source) Stat(ctx context.Context, p render.Page) (render.Revision, error) {
	state, stale, err := s.pages.state(ctx, p.Ref)
	if err != nil {
		return render.Revision{}, err
	}
	return s.revision(p, state, s.inputs(p), stale), nil
}

// Known implements render.Prompter.
func (s *Source) Known(p render.Page) (render.Revision, bool) {
	state, stale, ok := s.pages.known(p.Ref)
	if !ok {
		return render.Revision{}, false
	}
	return s.revision(p, state, s.inputs(p), stale), true
}

// Render implements render.Source.
func (s *Source) Render(ctx context.Context, p render.Page) (*render.Document, error) {
	page, err := s.pages.open(ctx, p.Ref)
	if err != nil {
		return nil, err
	}
	in := s.inputs(p)
	rev := s.revision(p, page.State, in, false)
	s.mu.Lock()
	err = s.refused[rev.ID]
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	doc, err := s.document(p, page, in, rev)
	if err != nil { // the next attempt would cost as much, and end the same way
		err = fmt.Errorf("wiki: page %q: %w", p.Ref, err)
		s.mu.Lock()
		if len(s.refused) >= maxRefused {
			clear(s.refused)
		}
		s.refused[rev.ID] = err
		s.mu.Unlock()
	}
	return doc, err
}

// Open implements render.Streamer, for the attachments of an Attacher.
func (s *Source) Open(ctx context.Context, p render.Page) (*render.Document, io.ReadSeekCloser, error) {
	wiki, ok := s.o.Wiki.(Attacher)
	if !ok {
		return nil, nil, fmt.Errorf("wiki: page %q: %w", p.Ref, render.ErrTooLarge)
	}
	page, content, err := wiki.OpenAttachment(ctx, p.Ref)
	if err != nil {
		return nil, nil, err
	}
	rev := s.revision(p, page.State, s.inputs(p), false)
	doc := &render.Document{Modified: rev.Modified, Revision: rev.ID}
	if doc.Type, err = typeOf(page); err != nil {
		content.Close()
		return nil, nil, err
	}
	doc.SetETag(rev.ID)
	return doc, content, nil
}

// typeOf is the Content-Type of an attachment that is sent.
func typeOf(page *Page) (string, error) {
	t := attachmentType(page.Type)
	if t == "" {
		return "", fmt.Errorf("%w: an attachment of type %q is not sent, as it may hold a program", render.ErrNotFound, page.Type)
	}
	return t, nil
}

// document makes the document of a page.
func (s *Source) document(p render.Page, page *Page, in inputs, rev render.Revision) (doc *render.Document, err error) {
	doc = &render.Document{Modified: rev.Modified, Revision: rev.ID}
	if page.Type != "" {
		if doc.Type, err = typeOf(page); err != nil {
			return nil, err
		}
		doc.Body = page.Body
	} else {
		doc.Type = "text/html; charset=" + in.layout.Charset()
		if doc.Body, err = s.draw(p, page, in); err != nil {
			return nil, err
		}
	}
	if len(doc.Body) > render.MaxKept {
		return nil, fmt.Errorf("drawn, it has %d bytes: %w", len(doc.Body), render.ErrTooLarge)
	}
	doc.HashETag()
	return s.encoder.Gzip(doc)
}

// draw puts a page into its layout.
func (s *Source) draw(p render.Page, page *Page, in inputs) ([]byte, error) {
	body, err := s.body(p, page, in)
	if err != nil {
		return nil, err
	}
	c := look.Content{
		Title: page.Title, Body: body, Modified: page.Modified,
		EditURL: page.Edit, Breadcrumbs: s.above(page.Name, in.table),
	}
	if p.Path != "" {
		c.Head = `<link rel="canonical" href="` + strings.TrimSuffix(s.o.Site, "/") + strings.ReplaceAll(string(p.Path), "&", "&amp;") + `">`
	}
	return in.layout.Draw(c)
}

// Body is the sanitised HTML of a page as it is drawn at p.Path, its links rewritten, in UTF-8.
func (s *Source) Body(p render.Page, page *Page) ([]byte, error) {
	return s.body(p, page, s.inputs(p))
}

func (s *Source) body(p render.Page, page *Page, in inputs) ([]byte, error) {
	if len(page.Body) > maxBody {
		return nil, fmt.Errorf("a body of %d bytes: %w", len(page.Body), render.ErrTooLarge)
	}
	r, err := sanitise(page.Body)
	if err != nil {
		return nil, err
	}
	taken, err := s.taken(in.layout)
	if err != nil {
		return nil, err
	}
	r.confine(taken)
	l := links{
		wiki: s.o.Wiki, spell: s.spell, table: in.table, hosts: s.o.Hosts, text: s.o.Text, name: page.Name, path: p.Path,
	}
	l.rewrite(r)
	return r.html()
}

// How many layouts' ids are kept, and how many pages that cannot be drawn.
const (
	maxLayouts = 1000
	maxRefused = 1000
)

// taken are the ids that a layout has itself.
func (s *Source) taken(l *look.Layout) (map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ids, ok := s.layouts[l.ID()]; ok {
		return ids, nil
	}
	empty, err := l.Draw(look.Content{})
	if err != nil {
		return nil, err
	}
	if len(s.layouts) >= maxLayouts {
		clear(s.layouts)
	}
	ids := idsOf(empty)
	s.layouts[l.ID()] = ids
	return ids, nil
}

// above are the pages that the parts of a name lead through, where rows lead to them.
func (s *Source) above(name string, table *mapping.Table) (crumbs []look.Crumb) {
	for at := 0; ; at++ {
		slash := strings.IndexByte(name[at:], '/')
		if slash < 0 {
			return crumbs
		}
		if path := table.WikiPath(name[:at+slash], s.spell); path != "" {
			crumbs = append(crumbs, look.Crumb{Title: strings.ReplaceAll(name[at:at+slash], "_", " "), URL: path})
		}
		at += slash
	}
}

// attachmentType is the Content-Type of an attachment, "" of one that is not sent: HTML, SVG and
// other XML, scripts and style sheets of a wiki are anybody's, and would run as the site's.
func attachmentType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || strings.ContainsFunc(contentType, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	kind, subtype, _ := strings.Cut(media, "/")
	switch kind {
	case "image":
		if strings.Contains(subtype, "svg") || strings.Contains(subtype, "xml") {
			return ""
		}
		return contentType
	case "audio", "video", "font":
		return contentType
	}
	if passive[media] || strings.HasPrefix(media, "application/vnd.oasis.opendocument.") ||
		strings.HasPrefix(media, "application/vnd.openxmlformats-officedocument.") {
		return contentType
	}
	return ""
}

// passive are types that no browser runs as a part of the site.
var passive = map[string]bool{
	"text/plain": true, "text/csv": true, "text/markdown": true, "application/json": true,
	"application/pdf": true, "application/postscript": true, "application/epub+zip": true,
	"application/zip": true, "application/gzip": true, "application/x-tar": true, "application/octet-stream": true,
}

// near asks the wiki itself, each time.
type near struct{ wiki Wiki }

func (n near) state(ctx context.Context, name string) (State, bool, error) {
	s, err := n.wiki.Stat(ctx, name)
	return s, false, err
}

func (n near) open(ctx context.Context, name string) (*Page, error) { return n.wiki.Open(ctx, name) }

func (n near) known(name string) (State, bool, bool) {
	s, err := n.wiki.Stat(context.Background(), name)
	return s, false, err == nil
}
