// What the wiki tells about itself: its addresses and namespaces.

package mediawiki

import (
	"context"
	"net/url"
	"path"
	"strings"
	"time"
)

// namespace is a part of the wiki, named before the colon of a title.
type namespace struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Case    string `json:"case"` // "first-letter" or "case-sensitive"
	Content bool   `json:"content"`
}

// site is a wiki's addresses and namespaces.
type site struct {
	server     *url.URL             // scheme and host that readers know
	script     string               // path of index.php
	articles   []string             // paths of articles, with $1 for the title; the first is the usual one
	uploads    string               // path of the upload directory, or ""
	namespaces map[string]namespace // by names and aliases in lower case; that of articles is ""
}

// pause is for how long a wiki that did not answer is not asked for its site again by those who can do without.
const pause = 5 * time.Second

// siteOf returns the wiki's site, which is read once.
func (w *Wiki) siteOf(ctx context.Context) (*site, error) {
	if s := w.site.Load(); s != nil {
		return s, nil
	}
	w.reading.Lock()
	defer w.reading.Unlock()
	if s := w.site.Load(); s != nil {
		return s, nil
	}
	s, err := w.readSite(ctx)
	if err != nil {
		w.failed = time.Now()
		return nil, err
	}
	w.site.Store(s)
	return s, nil
}

// known returns the wiki's site, or what it probably is where the wiki does not answer.
func (w *Wiki) known() *site {
	if s := w.site.Load(); s != nil {
		return s
	}
	return w.usual()
}

// asked is known, after the wiki was asked.
func (w *Wiki) asked() *site {
	if s := w.site.Load(); s != nil {
		return s
	}
	w.reading.Lock()
	wait := time.Since(w.failed) < pause
	w.reading.Unlock()
	if !wait {
		ctx, cancel := context.WithTimeout(context.Background(), pause)
		defer cancel()
		if s, err := w.siteOf(ctx); err == nil {
			return s
		}
	}
	return w.usual()
}

// usual is the site that most wikis beside such an api.php are.
func (w *Wiki) usual() *site {
	dir := path.Dir(w.o.API.Path)
	script := path.Join(dir, "index.php")
	return &site{
		server:   &url.URL{Scheme: w.o.API.Scheme, Host: w.o.API.Host},
		script:   script,
		articles: []string{"/wiki/$1", script + "/$1"},
		uploads:  path.Join(dir, "images"),
		namespaces: map[string]namespace{
			"": {}, "media": {ID: -2, Name: "Media"}, "special": {ID: -1, Name: "Special"},
			"file": {ID: 6, Name: "File"}, "image": {ID: 6, Name: "File"},
		},
	}
}

// readSite asks for the wiki's site.
func (w *Wiki) readSite(ctx context.Context) (*site, error) {
	var answer struct {
		Query struct {
			General struct {
				Server  string `json:"server"` // may lack the scheme
				Script  string `json:"script"`
				Article string `json:"articlepath"`
			} `json:"general"`
			Namespaces map[string]struct {
				namespace
				Canonical string `json:"canonical"`
			} `json:"namespaces"`
			Aliases []struct {
				ID    int    `json:"id"`
				Alias string `json:"alias"`
			} `json:"namespacealiases"`
			Repositories []struct {
				Local bool   `json:"local"`
				URL   string `json:"url"`
			} `json:"repos"`
		} `json:"query"`
	}
	err := w.query(ctx, values("action", "query", "meta", "siteinfo|filerepoinfo", "siprop", "general|namespaces|namespacealiases",
		"friprop", "local|url"), &answer)
	if err != nil {
		return nil, err
	}
	s := w.usual()
	general := answer.Query.General
	if u, err := w.o.API.Parse(general.Server); err == nil && u.Host != "" {
		s.server = &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	if general.Script != "" {
		s.script = general.Script
	}
	s.articles = []string{s.script + "/$1"}
	if strings.Contains(general.Article, "$1") && !strings.Contains(general.Article, "?") {
		s.articles = []string{general.Article, s.script + "/$1"}
	}
	s.uploads = ""
	for _, r := range answer.Query.Repositories {
		if u, err := s.server.Parse(r.URL); err == nil && r.Local && s.local(u) {
			s.uploads = u.Path
		}
	}
	s.namespaces = make(map[string]namespace)
	byID := make(map[int]namespace)
	for _, n := range answer.Query.Namespaces {
		byID[n.ID] = n.namespace
		s.namespaces[strings.ToLower(n.Name)] = n.namespace
		if n.Canonical != "" {
			s.namespaces[strings.ToLower(n.Canonical)] = n.namespace
		}
	}
	for _, a := range answer.Query.Aliases {
		s.namespaces[strings.ToLower(a.Alias)] = byID[a.ID]
	}
	return s, nil
}

// local reports that a URL is on the host that readers know.
func (s *site) local(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, s.server.Host)
}

// view is the URL where readers find a page.
func (s *site) view(title string) *url.URL {
	u, err := s.server.Parse(strings.Replace(s.articles[0], "$1", escaped(title), 1))
	if err != nil {
		return s.server
	}
	return u
}

// edit is the URL where a page can be edited.
func (s *site) edit(title string) string {
	return s.server.String() + s.script + "?title=" + escaped(title) + "&action=edit"
}
