// Comparing the two answers to one request: the same, different for a reason of
// the closed list below, or unexplained.

package main

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"pagemap/mapping"
)

// class is what comparing two answers came to.
type class string

// The classes. Those between same and unexplained are all the differences that
// pagemap makes on purpose; the package comment of mapping has their rules.
const (
	same        class = "same"
	data        class = "data"
	spelling    class = "spelling"
	found       class = "found"
	denied      class = "denied"
	symlink     class = "symlink"
	noIndex     class = "no index"
	refused     class = "refused"
	unexplained class = "UNEXPLAINED"
)

// classes is every class in the order of the report, with its reason.
var classes = []struct {
	class  class
	reason string
}{
	{same, "the same status and, of a page, the same bytes, type, language and date"},
	{data, "a data resource: 302 to /data, where Apache serves the same bytes (or to where a symbolic link leads)"},
	{spelling, "// or a dot segment: 301 to the page's own spelling, which is the same page"},
	{found, "was 404: 301 to the one page that differs in case or slash alone"},
	{denied, "was served: dotfiles, leftovers and sources of programs are 404"},
	{symlink, "was served: a symbolic link that is absolute or leaves the tree is 404"},
	{noIndex, "was redirected to the slash and then refused: a directory without an index is 404 at once"},
	{refused, "was 403, is 404: nothing is said about what is there"},
	{unexplained, "none of these"},
}

// hop is one request and its answer.
type hop struct {
	target string
	answer
}

// visit is one request to both sides: plain Apache's answer, and pagemap's with
// the answers to the redirects that it sent.
type visit struct {
	target string
	plain  answer
	stack  []hop
}

// judge compares the answers of a visit. detail says what differs without an explanation.
func (tree tree) judge(v visit) (c class, detail string) {
	last := v.stack[len(v.stack)-1].answer
	first := v.stack[0].answer
	switch {
	case v.plain.status == http.StatusOK && last.status == http.StatusOK:
		if diff := v.plain.diff(last); diff != "" {
			return unexplained, diff
		}
		return tree.way(v)
	case v.plain.status == http.StatusOK && last.status == http.StatusNotFound:
		return tree.lost(v.target)
	case v.plain.redirect() && first.redirect():
		if key(v.plain.location) == key(first.location) && query(v.plain.location) == query(first.location) {
			return same, ""
		}
		return unexplained, fmt.Sprintf("redirects to %s, was to %s", first.location, v.plain.location)
	case v.plain.redirect() && first.status == http.StatusNotFound && tree.withoutIndex(v.target):
		return noIndex, ""
	case v.plain.status == http.StatusNotFound && len(v.stack) > 1 && last.status == http.StatusOK:
		// The last hop may be to /data.
		to := key(v.stack[1].target)
		if strings.EqualFold(strings.TrimSuffix(to, "/"), strings.TrimSuffix(key(v.target), "/")) {
			return found, ""
		}
		return unexplained, "was 404, redirects to " + first.location
	case v.plain.status == http.StatusForbidden && last.status == http.StatusNotFound:
		return refused, ""
	case v.plain.status == last.status && v.plain.status >= 400 && len(v.stack) == 1:
		return same, ""
	}
	return unexplained, fmt.Sprintf("status %d, was %d", last.status, v.plain.status)
}

// way explains the redirects on the way to the same page.
func (tree tree) way(v visit) (class, string) {
	way := same
	for i, h := range v.stack[:len(v.stack)-1] {
		next := v.stack[i+1]
		switch {
		case h.status == http.StatusFound && slices.Contains(tree.dataTargets(h.target), next.target):
			way = data
			if strings.HasPrefix(next.kind, "text/html") && next.robots != "noindex" {
				return unexplained, "a page under /data without X-Robots-Tag: noindex"
			}
		case h.status == http.StatusMovedPermanently && !clean(h.target) && clean(next.target) && key(h.target) == key(next.target):
			if way == same {
				way = spelling
			}
		default:
			return unexplained, fmt.Sprintf("%d to %s", h.status, h.location)
		}
	}
	return way, ""
}

// lost explains a page that is gone.
func (tree tree) lost(target string) (class, string) {
	name, ok := fileName(target)
	if !ok {
		return unexplained, "status 404, was 200"
	}
	if mapping.Denied(name) != "" {
		return denied, ""
	}
	if tree.leaves(name) {
		return symlink, ""
	}
	return unexplained, "status 404, was 200"
}

// diff names what of a page differs, "" for nothing.
func (a answer) diff(b answer) string {
	var diffs []string
	add := func(what, was, is string) {
		if was != is {
			diffs = append(diffs, fmt.Sprintf("%s %q, was %q", what, is, was))
		}
	}
	add("type", a.kind, b.kind)
	add("language", a.language, b.language)
	add("encoding", a.encoding, b.encoding)
	add("date", a.modified, b.modified)
	if a.sum != b.sum {
		diffs = append(diffs, fmt.Sprintf("%d other bytes, were %d", b.size, a.size))
	}
	if b.length >= 0 && b.length != b.size {
		diffs = append(diffs, fmt.Sprintf("Content-Length %d of %d bytes", b.length, b.size))
	}
	if b.gzipDiffers {
		diffs = append(diffs, "other bytes with gzip")
	}
	return strings.Join(diffs, "; ")
}

// tree is the directory that both sides serve, with its symbolic links resolved.
type tree string

// dataTargets are the places under /data that a data resource may be at: its own
// name and, behind symbolic links, its real one.
func (tree tree) dataTargets(target string) []string {
	targets := []string{"/data" + key(target)}
	if name, ok := fileName(target); ok {
		if real, err := filepath.EvalSymlinks(filepath.Join(string(tree), name)); err == nil {
			if rel, err := filepath.Rel(string(tree), real); err == nil && filepath.IsLocal(rel) {
				targets = append(targets, "/data"+string(mapping.PathOfFile(filepath.ToSlash(rel))))
			}
		}
	}
	return targets
}

// leaves reports whether a symbolic link on the way to name is absolute or leads out of the tree.
func (tree tree) leaves(name string) bool {
	at := string(tree)
	for _, part := range strings.Split(name, "/") {
		at = filepath.Join(at, part)
		// A link may lead to a link.
		for range 40 {
			to, err := os.Readlink(at)
			if err != nil {
				break
			}
			if filepath.IsAbs(to) {
				return true
			}
			at = filepath.Join(filepath.Dir(at), to)
			rel, err := filepath.Rel(string(tree), at)
			if err != nil || !filepath.IsLocal(rel) {
				return true
			}
		}
	}
	return false
}

// withoutIndex reports whether target is a directory in which no index file is served.
func (tree tree) withoutIndex(target string) bool {
	name, ok := fileName(target)
	if !ok {
		return false
	}
	for _, index := range indexNames {
		if _, err := os.Stat(filepath.Join(string(tree), name, index)); err == nil {
			return false
		}
	}
	info, err := os.Stat(filepath.Join(string(tree), name))
	return err == nil && info.IsDir()
}

// indexNames are pagemapd's default and plain.conf's DirectoryIndex.
var indexNames = []string{"index.html", "index.xhtml", "index.htm"}

// key is the path key of a request target or URL, "" for a bad one.
func key(target string) string {
	t, err := mapping.ParseTarget(target)
	if err != nil {
		return ""
	}
	return string(t.Path)
}

func query(target string) string {
	_, q, _ := strings.Cut(target, "?")
	return q
}

func clean(target string) bool {
	t, err := mapping.ParseTarget(target)
	return err == nil && t.Clean
}

// fileName is the name in the tree that target stands for.
func fileName(target string) (string, bool) {
	t, err := mapping.ParseTarget(target)
	if err != nil {
		return "", false
	}
	name, ok := t.Path.FileName()
	return path.Clean(name), ok
}
