// Package moving makes pages of the old tree pages of the wiki, as text and for the eye, without writing
// anything: the command that moves pages stands on it, the one that compares them, and the admin page.
//
// The content of an old page is the part of it that the layout leaves free for its path, or that Options.Content selects.
// It is converted to the wiki's language, drawn as the wiki draws it, and compared with what it was. Where the wiki
// has no page of the name yet, a draft is drawn: what it would be if it was written as it is converted.
package moving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/look"
	"pagemap/render/wiki"
	"pagemap/render/wiki/compare"
	"pagemap/render/wiki/convert"
	"pagemap/render/wiki/directory"
)

// Refusal is why a page cannot be moved, or compared.
type Refusal struct{ Why string }

func (r *Refusal) Error() string { return r.Why }

// Refusef returns a *Refusal.
func Refusef(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Options of New.
type Options struct {
	Settings *config.Settings
	Tree     *Tree
	Wiki     *serving.Wiki // nil: then there are neither layouts nor pages of the wiki
	Table    func() *mapping.Table
	Content  string // CSS selector of the element that holds an old page's content; "": what the layout says
	Logger   *slog.Logger
}

// Converter makes old pages new ones. It is not safe for concurrent use.
type Converter struct {
	o Options

	// A wiki of files that pages are drawn from which are not to be written.
	draft       *directory.Wiki
	draftSource *wiki.Source
	draftDir    string
}

// New returns a Converter. Close it; the tree and the wiki stay open.
func New(o Options) *Converter { return &Converter{o: o} }

// Close removes the drafts.
func (c *Converter) Close() {
	if c.draftSource != nil {
		_ = c.draftSource.Close()
	}
	if c.draft != nil {
		_ = c.draft.Close()
	}
	if c.draftDir != "" {
		_ = os.RemoveAll(c.draftDir)
	}
}

// Old is a page of the tree, and its content.
type Old struct {
	Page   *look.Page
	Region look.Region
	Place  convert.Place
}

// Read reads the page of a file, and cuts its content out. The error may be a *Refusal.
func (c *Converter) Read(ctx context.Context, path mapping.Path, ref string) (*Old, error) {
	page, err := c.o.Tree.Read(ctx, mapping.Path(ref))
	if err != nil {
		return nil, Refusef("%v", err)
	}
	selector := c.selector(path)
	if selector == "" {
		return nil, Refusef("which part of it is its content? Derive a layout (pagemapctl look derive --from %s), or name the part with --content", path)
	}
	region, err := page.Region(selector)
	if err != nil {
		return nil, Refusef("%v", err)
	}
	base := ""
	for n := range page.Root().Descendants() {
		if n.DataAtom == atom.Base && base == "" {
			base = attribute(n, "href")
		}
	}
	return &Old{page, region, convert.Place{Path: path, Base: base, Hosts: c.o.Settings.Hosts()}}, nil
}

// selector names the element that holds a page's content; "" where nothing tells.
func (c *Converter) selector(path mapping.Path) string {
	if c.o.Content != "" || c.o.Wiki == nil {
		return c.o.Content
	}
	layout, _ := c.o.Wiki.Looks.For(path)
	return layout.Selector()
}

// Text is the content of a page in a wiki's language. The error may be a *Refusal.
func (c *Converter) Text(old *Old, syntax wiki.Syntax) (text []byte, err error) {
	if syntax == wiki.Wikitext {
		if c.o.Settings.Site == "" {
			return nil, Refusef("wikitext links to the site by its URL: set --site (PAGEMAP_SITE, or \"site = ...\" in the settings file)")
		}
		text, err = convert.Wikitext(old.Region.HTML, old.Place, c.o.Settings.Site)
	} else if text, err = convert.Markdown(old.Region.HTML, old.Place); err == nil {
		text = append(c.frontMatter(old), text...)
	}
	if err == nil && len(text) == 0 {
		err = Refusef("there is no content in it")
	}
	return text, err
}

// titleMark stands for a title in a layout that is drawn to find out what it puts around one.
const titleMark = "PAGEMAP-TITLE"

// frontMatter names the page's title where its first heading does not.
func (c *Converter) frontMatter(old *Old) []byte {
	title := old.Page.Title()
	if c.o.Wiki != nil {
		layout, _ := c.o.Wiki.Looks.For(old.Place.Path)
		if drawn, err := layout.Draw(look.Content{Title: titleMark}); err == nil {
			if p, err := look.ReadPage(drawn, "text/html; charset="+layout.Charset()); err == nil {
				before, after, _ := strings.Cut(p.Title(), titleMark)
				title = strings.TrimSuffix(strings.TrimPrefix(title, before), after)
			}
		}
	}
	content, err := compare.Read(old.Region.HTML, old.Place)
	if err != nil || title == "" {
		return nil
	}
	words, err := compare.Read(strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(title), old.Place)
	if err == nil && len(content.Headings) > 0 && content.Headings[0] == strings.Join(words.Words, " ") {
		return nil
	}
	return []byte("---\ntitle: " + strconv.Quote(title) + "\n---\n\n")
}

// Name is the name that a page gets in the wiki, or a *Refusal.
func Name(path mapping.Path) (string, error) {
	name, ok := wiki.PageName(path)
	if !ok {
		return "", Refusef("no name for the wiki can be made of its path: give one with --to")
	}
	return name, nil
}

// Fresh is a page as the wiki shows it.
type Fresh struct {
	*wiki.Page
	Name  string
	Draft bool // the wiki has it not
	draws *wiki.Source
}

// Body is the page's content for a path of the site.
func (f *Fresh) Body(path mapping.Path) (string, error) {
	body, err := f.draws.Body(render.Page{Path: path, Ref: f.Name}, f.Page)
	return string(body), err
}

// Open returns the wiki's page of a name.
func (c *Converter) Open(ctx context.Context, name string) (*Fresh, error) {
	page, err := c.o.Wiki.Wiki.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Fresh{page, name, false, c.o.Wiki.Source}, nil
}

// Drafted is what a wiki of files would make of a text.
func (c *Converter) Drafted(ctx context.Context, name string, text []byte) (*Fresh, error) {
	if err := c.drafts(); err != nil {
		return nil, err
	}
	if _, err := c.draft.Write(ctx, name, text, "", ""); err != nil {
		return nil, err
	}
	page, err := c.draft.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Fresh{page, name, true, c.draftSource}, nil
}

// drafts opens a wiki of files in a temporary directory.
func (c *Converter) drafts() (err error) {
	if c.draft != nil {
		return nil
	}
	if c.draftDir, err = os.MkdirTemp("", "pagemap-drafts"); err != nil {
		return err
	}
	if c.draft, err = directory.Open(c.draftDir); err != nil {
		return err
	}
	c.draftSource, err = wiki.NewSource(wiki.Options{
		Wiki: c.draft, Near: true, Look: c.o.Wiki.Looks.For, Table: c.o.Table, Hosts: c.o.Settings.Hosts(),
		Site: c.o.Settings.Site, Text: c.o.Settings.WikiLinks == config.WikiLinksText, Logger: c.o.Logger,
	})
	return err
}

// present is the wiki's page of a name, or a draft of what a move would write.
func (c *Converter) present(ctx context.Context, old *Old, name string) (*Fresh, error) {
	page, err := c.Open(ctx, name)
	if err == nil || !errors.Is(err, render.ErrNotFound) {
		return page, err
	}
	text, err := c.Text(old, wiki.Markdown)
	if err != nil {
		return nil, err
	}
	return c.Drafted(ctx, name, text)
}

// Lost tells how a page differs from what it was.
func (c *Converter) Lost(old *Old, fresh *Fresh) (compare.Result, error) {
	body, err := fresh.Body(old.Place.Path)
	if err != nil {
		return compare.Result{}, err
	}
	return compare.Fragments(old.Region.HTML, body, old.Place)
}
