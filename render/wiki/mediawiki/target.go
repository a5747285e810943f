// Where links in pages lead.

package mediawiki

import (
	"net/url"
	"strings"

	"pagemap/render/wiki"
)

// Target implements wiki.Wiki.
func (w *Wiki) Target(from string, ref *url.URL) wiki.Target {
	s := w.asked()
	u := s.view(from).ResolveReference(ref)
	if u.Opaque != "" || !s.local(u) && !strings.EqualFold(u.Host, w.o.API.Host) || u.Scheme != "http" && u.Scheme != "https" {
		return wiki.Target{URL: u.String()}
	}
	t := wiki.Target{Name: s.name(u), Fragment: u.Fragment}
	if !strings.EqualFold(u.Host, s.server.Host) { // readers may not know the API's host
		u.Scheme, u.Host = s.server.Scheme, s.server.Host
	}
	u.User = nil
	t.URL = u.String()
	if t.Name == "" {
		t.Fragment = "" // it is part of the URL
	} else if before, _, ok := strings.Cut(t.URL, "#"); ok {
		t.URL = before
	}
	return t
}

// name is the name of the page or attachment at a URL of the wiki's host; "" where there is none.
func (s *site) name(u *url.URL) string {
	query := u.Query()
	p := u.EscapedPath()
	if p == s.script {
		if !query.Has("title") {
			return ""
		}
		t := query.Get("title")
		query.Del("title")
		return s.article(t, query)
	}
	for _, articles := range s.articles {
		before, after, _ := strings.Cut(articles, "$1")
		rest, ok := strings.CutPrefix(p, before)
		if !ok {
			continue
		}
		if rest, ok = strings.CutSuffix(rest, after); !ok {
			continue
		}
		t, err := url.PathUnescape(rest)
		if err != nil {
			return ""
		}
		return s.article(t, query)
	}
	if s.uploads != "" && u.RawQuery == "" {
		if file, ok := strings.CutPrefix(u.Path, s.uploads+"/"); ok {
			return s.file(file)
		}
	}
	return ""
}

// article is the name of the page of a title that is asked for with such further parameters: only what shows the
// page itself, or a place to make it, has one.
func (s *site) article(t string, query url.Values) string {
	if query.Get("redlink") == "1" && query.Get("action") == "edit" {
		query.Del("redlink")
		query.Del("action")
	}
	if len(query) > 0 {
		return ""
	}
	if _, err := Title(t); err != nil {
		return ""
	}
	name := s.spell(t)
	if prefix, _, ok := strings.Cut(name, ":"); ok && s.namespaces[strings.ToLower(prefix)].ID == -1 {
		return ""
	}
	return name
}

// file is the name of the attachment at a path below the upload directory: "a/ab/Plan.png" or
// "Plan.png", of a thumbnail "thumb/a/ab/Plan.png/120px-Plan.png".
func (s *site) file(p string) string {
	parts := strings.Split(p, "/")
	if parts[0] == "thumb" && len(parts) > 2 {
		parts = parts[1 : len(parts)-1]
	}
	hashed := len(parts) == 3 && len(parts[0]) == 1 && len(parts[1]) == 2
	if !hashed && len(parts) != 1 {
		return ""
	}
	t, err := Title(parts[len(parts)-1])
	if err != nil {
		return ""
	}
	return s.namespaces["media"].Name + ":" + s.namespaces["file"].letter(t)
}
