// Attachments: uploaded files.

package mediawiki

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pagemap/render"
	"pagemap/render/wiki"
	"pagemap/render/wiki/fetch"
)

// media returns the title of a file, without its namespace, that a name asks for.
func (s *site) media(name string) (string, bool) {
	prefix, file, ok := strings.Cut(s.spell(name), ":")
	return file, ok && s.namespaces[strings.ToLower(prefix)].ID == -2
}

// file is what the API tells about an uploaded file.
type file struct {
	URL  string    `json:"url"`
	SHA1 string    `json:"sha1"` // in hexadecimal digits
	Type string    `json:"mime"`
	Time time.Time `json:"timestamp"`
	Size int64     `json:"size"`
}

func (w *Wiki) statFile(ctx context.Context, s *site, name string) (wiki.State, error) {
	state, _, err := w.file(ctx, s, name)
	if err != nil {
		return wiki.State{}, fmt.Errorf("mediawiki: state of the file %q: %w", name, err)
	}
	return state, nil
}

// file asks for a file's state.
func (w *Wiki) file(ctx context.Context, s *site, name string) (wiki.State, file, error) {
	t, err := Title(name)
	if err != nil {
		return wiki.State{}, file{}, err
	}
	var answer struct {
		Query struct {
			Pages []struct {
				Title string `json:"title"`
				Files []file `json:"imageinfo"`
			} `json:"pages"`
		} `json:"query"`
	}
	err = w.query(ctx, values("action", "query", "titles", "File:"+t, "redirects", "1",
		"prop", "imageinfo", "iiprop", "url|sha1|mime|timestamp|size"), &answer)
	if err != nil {
		return wiki.State{}, file{}, err
	}
	if pages := answer.Query.Pages; len(pages) == 1 && len(pages[0].Files) == 1 {
		f := pages[0].Files[0]
		_, t, _ = strings.Cut(pages[0].Title, ":")
		return wiki.State{Name: s.namespaces["media"].Name + ":" + t, Revision: f.SHA1, Modified: f.Time}, f, nil
	}
	return wiki.State{}, file{}, fmt.Errorf("there is no such file: %w", render.ErrNotFound)
}

// openFile reads a file, whose bytes must be those of its state.
func (w *Wiki) openFile(ctx context.Context, s *site, name string) (*wiki.Page, error) {
	for range tries {
		state, f, err := w.file(ctx, s, name)
		if err != nil {
			return nil, fmt.Errorf("mediawiki: open the file %q: %w", name, err)
		}
		body, err := w.download(ctx, s, f)
		if err != nil {
			return nil, fmt.Errorf("mediawiki: open the file %q: %w", name, err)
		}
		if sum := sha1.Sum(body); hex.EncodeToString(sum[:]) == f.SHA1 {
			return &wiki.Page{State: state, Title: state.Name, Body: body, Type: f.Type}, nil
		}
	}
	return nil, fmt.Errorf("mediawiki: open the file %q: it is not what the wiki says it is: %w", name, render.ErrUnavailable)
}

// download reads a file's bytes from the wiki's host, by the name of it that the API has.
func (w *Wiki) download(ctx context.Context, s *site, f file) ([]byte, error) {
	u, err := url.Parse(f.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, render.ErrUnavailable)
	}
	u = s.server.ResolveReference(u)
	if !s.local(u) {
		return nil, fmt.Errorf("it is at %s, in another wiki: %w", u.Redacted(), render.ErrNotFound)
	}
	u.Scheme, u.Host = w.o.API.Scheme, w.o.API.Host
	answer, err := w.client.Get(ctx, u, fetch.Validators{})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: %w", u.Redacted(), answer.Status, render.ErrUnavailable)
	}
	return answer.Body, nil
}
