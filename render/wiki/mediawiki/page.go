// A page and its state.

package mediawiki

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"pagemap/render"
	"pagemap/render/wiki"
)

// settled is how long after a page was touched it cannot be touched in the same second, by the wiki's clock.
const settled = 2 * time.Second

// tries is how often a page is asked for that changes all the while.
const tries = 5

// Stat implements wiki.Wiki.
func (w *Wiki) Stat(ctx context.Context, name string) (wiki.State, error) {
	site, err := w.siteOf(ctx)
	if err != nil {
		return wiki.State{}, fmt.Errorf("mediawiki: state of %q: %w", name, err)
	}
	if file, ok := site.media(name); ok {
		return w.statFile(ctx, site, file)
	}
	p, err := w.read(ctx, name, false)
	if err != nil {
		return wiki.State{}, fmt.Errorf("mediawiki: state of %q: %w", name, err)
	}
	return p.State, nil
}

// Open implements wiki.Wiki.
func (w *Wiki) Open(ctx context.Context, name string) (*wiki.Page, error) {
	site, err := w.siteOf(ctx)
	if err != nil {
		return nil, fmt.Errorf("mediawiki: open %q: %w", name, err)
	}
	if file, ok := site.media(name); ok {
		return w.openFile(ctx, site, file)
	}
	p, err := w.read(ctx, name, true)
	if err != nil {
		return nil, fmt.Errorf("mediawiki: open %q: %w", name, err)
	}
	p.Edit = site.edit(p.Name)
	return p, nil
}

// info is what action=query tells about a page.
type info struct {
	Title     string    `json:"title"`
	Namespace int       `json:"ns"`
	Missing   bool      `json:"missing"`
	Invalid   bool      `json:"invalid"`
	Special   bool      `json:"special"`
	Touched   time.Time `json:"touched"`
	Last      int64     `json:"lastrevid"`
}

// key names what the body depends on, as far as the wiki tells.
func (i info) key() string {
	return i.Title + "\x00" + strconv.FormatInt(i.Last, 10) + " " + strconv.FormatInt(i.Touched.Unix(), 10)
}

// read returns a page, where its body is asked for or the revision cannot be told without it.
func (w *Wiki) read(ctx context.Context, name string, body bool) (*wiki.Page, error) {
	for range tries {
		i, quiet, err := w.info(ctx, name)
		if err != nil {
			return nil, err
		}
		p := &wiki.Page{State: wiki.State{Name: i.Title, Modified: i.Touched}}
		hash, ok := w.hashes.GetIfPresent(i.key())
		if !ok || body {
			number, err := w.parse(ctx, p)
			if err != nil {
				return nil, err
			}
			if number != i.Last { // edited in between
				continue
			}
			sum := sha256.New()
			fmt.Fprintf(sum, "%d %s", len(p.Title), p.Title)
			sum.Write(p.Body)
			hash = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16])
			if quiet {
				w.hashes.Set(i.key(), hash)
			}
		}
		p.Revision = strconv.FormatInt(i.Last, 10) + "." + hash
		return p, nil
	}
	return nil, fmt.Errorf("it is edited all the while: %w", render.ErrUnavailable)
}

// info asks for a page behind all redirects. It is quiet when nothing more can touch it in the same second.
func (w *Wiki) info(ctx context.Context, name string) (_ info, quiet bool, err error) {
	t, err := Title(name)
	if err != nil {
		return info{}, false, err
	}
	var answer struct {
		Now   time.Time `json:"curtimestamp"`
		Query struct {
			Pages []info `json:"pages"`
		} `json:"query"`
	}
	err = w.query(ctx, values("action", "query", "prop", "info", "titles", t, "redirects", "1", "curtimestamp", "1"), &answer)
	if err != nil {
		return info{}, false, err
	}
	// None: it is in another wiki, or redirects lead in a ring.
	if len(answer.Query.Pages) != 1 {
		return info{}, false, fmt.Errorf("no page of this wiki: %w", render.ErrNotFound)
	}
	i := answer.Query.Pages[0]
	if i.Missing || i.Invalid || i.Special || i.Namespace < 0 {
		return info{}, false, fmt.Errorf("%q: %w", i.Title, render.ErrNotFound)
	}
	return i, answer.Now.Sub(i.Touched) >= settled, nil
}

// parse asks for a page's title and body, and returns the number of the edit that they are of.
func (w *Wiki) parse(ctx context.Context, p *wiki.Page) (int64, error) {
	var answer struct {
		Parse struct {
			Display string `json:"displaytitle"`
			Text    string `json:"text"`
			Last    int64  `json:"revid"`
		} `json:"parse"`
	}
	err := w.query(ctx, values("action", "parse", "page", p.Name, "prop", "text|displaytitle|revid",
		"disableeditsection", "1", "disablelimitreport", "1"), &answer)
	if err != nil {
		return 0, err
	}
	p.Title, p.Body = text(answer.Parse.Display), []byte(answer.Parse.Text)
	if p.Title == "" {
		p.Title = p.Name
	}
	return answer.Parse.Last, nil
}

// text is HTML without its markup.
func text(s string) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			b.WriteString(html.UnescapeString(string(z.Raw())))
		}
	}
}

// escaped writes a title as it is in URLs.
func escaped(title string) string {
	s := url.QueryEscape(strings.ReplaceAll(title, " ", "_"))
	return strings.NewReplacer("%2F", "/", "%3A", ":").Replace(s)
}
