// Near: URLs that answer, near paths that do not.

package mapping

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Suggestion is a URL that answers, near a path that does not.
type Suggestion struct {
	URL    string `json:"url"`    // where a reader ends up: a site path, of a query row with its query, or another host's URL
	Reason string `json:"reason"` // how the asked path differs, one of the Near constants
}

// How an asked path differs from a suggested one, the surest first.
const (
	NearCase      = "case"      // letters of another case, where several spellings exist
	NearQuery     = "query"     // a query row of the path needs parameters that were not there
	NearEncoding  = "encoding"  // escaped twice, another charset, "+" or "_" for a space
	NearExtension = "extension" // ".html" or another ending of a page's name, or none; an index name
	NearEnding    = "ending"    // something that stuck to a link: a quote, a bracket, a full stop
	NearTyping    = "typing"    // up to two letters of the last name, or of the directories
	NearMoved     = "moved"     // a page of the same name in another directory
)

// nearReasons is the order in which suggestions are made.
var nearReasons = []string{NearCase, NearQuery, NearEncoding, NearExtension, NearEnding, NearTyping, NearMoved}

// Near suggests, for each of the paths, at most limit URLs that answer, the surest
// first; the reader is told them, never sent there. Simple variations of a path
// are resolved as requests for them would be. Where these give fewer than limit
// and Rows has All, as a *Table has, its exact rows are searched too, in one pass for all the
// paths: that is made for hundreds of paths on a table of a million rows.
func (r *Resolver) Near(paths []Path, limit int) [][]Suggestion {
	all := make([]*nearPath, len(paths))
	search := nearSearch{names: map[string][]*nearPath{}, dirs: map[string][]*nearPath{}, keep: 4 * limit}
	for i, p := range paths {
		n := &nearPath{Resolver: r, path: p, limit: limit}
		all[i] = n
		n.variations()
		if len(n.found) < limit {
			search.add(n)
		}
	}
	if table, ok := r.Rows.(interface{ All() iter.Seq[Row] }); ok && search.used {
		search.rows(table.All())
	}
	suggestions := make([][]Suggestion, len(paths))
	for i, n := range all {
		slices.SortStableFunc(n.candidates, func(a, b nearCandidate) int {
			return cmp.Or(a.rank-b.rank, strings.Compare(string(a.path), string(b.path)))
		})
		for _, c := range n.candidates {
			n.try(c.path, c.reason)
		}
		suggestions[i] = n.found
	}
	return suggestions
}

// nearPath is one path for which suggestions are sought.
type nearPath struct {
	*Resolver
	path       Path
	limit      int
	found      []Suggestion
	candidates []nearCandidate // of the search, not resolved yet

	dir, name string // folded, for the search: what is before the last name, and the name
}

// nearCandidate is a row's path that may be suggested; the lowest rank is the best.
type nearCandidate struct {
	path   Path
	reason string
	rank   int
}

// try suggests what p answers, if that is a page or leads to one.
func (n *nearPath) try(p Path, reason string) {
	if p == n.path || p == "" || len(n.found) >= n.limit {
		return
	}
	if url, ok := n.ends(Target{Path: p, Clean: true}); ok {
		n.suggest(url, reason)
	}
}

func (n *nearPath) suggest(url, reason string) {
	if len(n.found) < n.limit && !slices.ContainsFunc(n.found, func(s Suggestion) bool { return s.URL == url }) {
		n.found = append(n.found, Suggestion{url, reason})
	}
}

// ends is where a reader who asks for t ends up.
func (n *nearPath) ends(t Target) (url string, ok bool) {
	a := n.Resolve(t)
	switch {
	case a.Status == 200:
		return string(a.Canonical), n.there(a.Source)
	case a.Location == "":
		return "", false
	case !sitePath(a.Location):
		return a.Location, true
	}
	url, _, _ = strings.Cut(a.Location, "#")
	target, err := ParseTarget(url)
	if err != nil {
		return "", false
	}
	end := n.Resolve(target)
	return a.Location, end.Status == 200 && n.there(end.Source)
}

// there reports whether a page's source is not known to be gone.
func (n *nearPath) there(s Source) bool {
	return s.Kind != SourceFile || n.Files == nil || n.Files.Lookup(Path(s.Ref), false).Kind == RegularFile
}

// variations tries the spellings that need no search.
func (n *nearPath) variations() {
	if n.path == "" {
		return
	}
	for _, reason := range nearReasons {
		switch reason {
		case NearCase:
			n.cases()
		case NearQuery:
			n.queries()
		case NearEncoding:
			n.encodings()
		case NearExtension:
			for p := range n.extensions(n.path) {
				n.try(p, reason)
			}
		case NearEnding:
			n.endings()
		}
	}
}

// cases are the spellings that differ in case and final slash, which the resolver
// itself takes no one of where there are several.
func (n *nearPath) cases() {
	var paths []Path
	if n.Rows != nil {
		for _, row := range n.Rows.Fold(n.path) {
			path, _, query := splitPattern(row.Pattern)
			if query == "" && strings.EqualFold(strings.TrimSuffix(string(path), "/"), strings.TrimSuffix(string(n.path), "/")) {
				paths = append(paths, path)
			}
		}
	}
	if n.Files != nil {
		paths = append(paths, n.Files.Lookup(n.path, true).Folded...)
	}
	slices.Sort(paths)
	for _, p := range paths {
		n.try(p, NearCase)
	}
}

// queries are the query rows of the path.
func (n *nearPath) queries() {
	if n.Rows == nil {
		return
	}
	rows := slices.Clone(n.Rows.Fold(n.path))
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Pattern, b.Pattern) })
	for _, row := range rows {
		if path, _, query := splitPattern(row.Pattern); query != "" && path == n.path {
			if _, ok := n.ends(Target{Path: path, Query: query, HasQuery: true, Clean: true}); ok {
				n.suggest(row.Pattern, NearQuery)
			}
		}
	}
}

// encodings are the path decoded once more, in the other charset, and with other
// signs where its name has spaces.
func (n *nearPath) encodings() {
	name := unescape(strings.ReplaceAll(string(n.path), "%2F", "/"), false)
	try := func(name string) {
		if p, _, err := parsePath(strings.ReplaceAll(escapePercent(name), "?", "%3F")); err == nil {
			n.try(p, NearEncoding)
		}
	}
	if again := unescape(name, false); again != name {
		try(again)
		if path, query, ok := strings.Cut(again, "?"); ok { // a "?" that somebody escaped
			if t, err := ParseTarget(escapePercent(path) + "?" + query); err == nil {
				n.try(t.Path, NearEncoding)
			}
		}
	}
	if path, _, ok := strings.Cut(name, "?"); ok {
		try(path)
	}
	if path, _, ok := strings.Cut(name, "#"); ok {
		try(path)
	}
	if utf8, ok := fromLatin1(name); ok {
		try(utf8)
	}
	if latin1, ok := toLatin1(name); ok {
		try(latin1)
	}
	signs := [...]string{" ", "+", "_", "-"}
	for _, from := range signs {
		if !strings.Contains(name, from) {
			continue
		}
		for _, to := range signs {
			try(strings.ReplaceAll(name, from, to))
		}
	}
}

// escapePercent makes a decoded name one that parsePath decodes to it.
func escapePercent(name string) string { return strings.ReplaceAll(name, "%", "%25") }

// fromLatin1 is the UTF-8 of a name whose bytes above ASCII are ISO 8859-1.
func fromLatin1(name string) (string, bool) {
	var b strings.Builder
	changed := false
	for i := range len(name) {
		changed = changed || name[i] >= 0x80
		b.WriteRune(rune(name[i]))
	}
	return b.String(), changed
}

// toLatin1 is the reverse, where all letters can be written so.
func toLatin1(name string) (string, bool) {
	out := make([]byte, 0, len(name))
	changed := false
	for _, c := range name {
		if c > 0xFF { // bytes that are no UTF-8 too: U+FFFD
			return "", false
		}
		changed = changed || c >= 0x80
		out = append(out, byte(c))
	}
	return string(out), changed
}

// pageExtensions are the endings that a page's name had or has.
var pageExtensions = [...]string{".html", ".htm", "", ".xhtml", ".shtml", ".php", ".asp", ".aspx", ".jsp", ".txt", ".pdf"}

// extensions are a path with other endings, without any, and the directory of
// a name that may have been its index.
func (n *nearPath) extensions(p Path) iter.Seq[Path] {
	return func(yield func(Path) bool) {
		stem := strings.TrimSuffix(string(p), "/")
		slash := strings.LastIndexByte(stem, '/') + 1
		base := stem[slash:]
		dot := strings.LastIndexByte(base, '.')
		if dot > 0 && slices.Contains(pageExtensions[:], strings.ToLower(base[dot:])) {
			base = base[:dot]
		}
		for _, extension := range pageExtensions {
			if base != "" && !yield(Path(stem[:slash]+base+extension)) {
				return
			}
		}
		switch strings.ToLower(base) {
		case "index", "default", "home", "welcome", "main":
			yield(Path(stem[:slash]))
		}
	}
}

// stuck are the bytes that stick to the end of a link in running text, escaped
// ones by their key's text.
var stuck = [...]string{".", ",", ";", ":", "!", "'", ")", "(", "*", "%22", "%3E", "%3C", "%5D", "%7D", "%60", "%5C", "%20", "%C2%A0", "%E2%80%9D", "%E2%80%99", "&", "=", "+", "-", "_", "~", "@", "$"}

// endings are the path without what stuck to its end, and without an extension behind that.
func (n *nearPath) endings() {
	text := string(n.path)
	for {
		cut := false
		for _, s := range stuck {
			if rest, ok := strings.CutSuffix(text, s); ok && len(rest) > 1 {
				text, cut = rest, true
			}
		}
		if !cut {
			break
		}
		if p, _, err := parsePath(text); err == nil {
			n.try(p, NearEnding)
		}
	}
	// "/page.htmlfoo", "/page.html&x=1"
	for _, extension := range pageExtensions[:2] {
		if i := strings.LastIndex(text, extension); i > 0 && i+len(extension) < len(text) {
			if p, _, err := parsePath(text[:i+len(extension)]); err == nil {
				n.try(p, NearEnding)
			}
		}
	}
}
