// Rules of formats in which the first match wins, and their rows.

package exchange

import (
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// ruleKind is what a rule matches.
type ruleKind uint8

const (
	exact  ruleKind = iota // its path alone
	below                  // all that begins with its path, which ends in "/"
	prefix                 // its path, and all that begins with it and "/"
)

// rule is what a line says of one path.
type rule struct {
	path   mapping.Path
	kind   ruleKind
	query  string // exact: parameters that the request must have, "" for none
	status uint16
	target string
	keep   bool // what follows path in the request is appended to target
	drop   bool // the request's query is not passed on
	fold   bool // letters of any case match
}

// entry is a line with its rules, the first of which that matches answers.
type entry struct {
	line  int
	text  string
	rules []rule
	notes []string
}

// compiler makes rows of entries in the order in which they are tried. The
// table asks in another order (exact rows with their twins, then the longest
// prefix), so a rule that an earlier one keeps from ever answering makes no row,
// and where a row's twin is another rule's, it gets a row of its own.
type compiler struct {
	*account
	slashless  bool     // a final slash makes no difference to the format
	indexNames []string // of the table's twins
	exacts     map[mapping.Path][]taken
	folded     map[mapping.Path]int // lower-case path to the line of an exact rule for any case
	prefixes   map[mapping.Path][]taken
	stems      []mapping.Path // of prefix rows for what is below them alone
	governors  []governor     // rows whose twins are to be looked at
}

// taken is a rule that made rows.
type taken struct {
	rule
	line int
	text string
}

func (a *account) compiler() *compiler {
	return &compiler{
		account: a, exacts: map[mapping.Path][]taken{}, folded: map[mapping.Path]int{}, prefixes: map[mapping.Path][]taken{},
	}
}

// covering is the prefix rule that answers p. Of several it is the one with the
// longest path, since a longer one behind a shorter made no rows.
func (c *compiler) covering(p mapping.Path) (taken, bool) {
	for at := len(p); at >= 0; at = strings.LastIndexByte(string(p[:at]), '/') {
		for _, t := range c.prefixes[p[:at]] {
			if t.kind == prefix || at < len(p) {
				return t, true
			}
		}
	}
	return taken{}, false
}

// stem is a prefix rule's path without the final slash.
func (r rule) stem() mapping.Path { return mapping.Path(strings.TrimSuffix(string(r.path), "/")) }

// key is where an exact rule is kept.
func (c *compiler) key(p mapping.Path) mapping.Path {
	if c.slashless && p != "/" {
		return mapping.Path(strings.TrimSuffix(string(p), "/"))
	}
	return p
}

// before finds what keeps r from ever answering. covered: all of it; else r is
// what is left of it.
func (c *compiler) before(r *rule) (first taken, covered bool) {
	if r.kind == exact {
		for _, t := range c.exacts[c.key(r.path)] {
			if queryWithin(t.query, r.query) {
				return t, true
			}
		}
		if line, ok := c.folded[mapping.Path(strings.ToLower(string(r.path)))]; ok && r.query == "" {
			return taken{line: line}, true
		}
		return c.covering(r.path)
	}
	if r.path == "/" {
		r.kind = below
	}
	stem := r.stem()
	if t, ok := c.covering(stem + "/"); ok {
		if t.kind == prefix || r.kind == below || t.stem() != stem {
			return t, true
		}
		r.kind, r.keep = exact, false
	}
	return taken{}, false
}

// queryWithin reports whether every request with the parameters of query has
// those of part.
func queryWithin(part, query string) bool {
	if part == "" || part == query {
		return true
	}
	all := strings.Split(query, "&")
	for p := range strings.SplitSeq(part, "&") {
		i := slices.Index(all, p)
		if i < 0 {
			return false
		}
		all = slices.Delete(all, i, i+1)
	}
	return true
}

// page is the row for p, which r matches.
func (r rule) page(p mapping.Path) mapping.Page {
	target := r.target
	if r.keep {
		target += string(p[len(r.path):])
	}
	if target == "" && r.keep {
		target = "/"
	}
	return r.row(string(p), target)
}

func (r rule) row(pattern, target string) mapping.Page {
	if r.query != "" {
		pattern += "?" + r.query
	}
	return mapping.Page{Row: mapping.Row{
		Pattern: pattern, Status: r.status, Source: target, DropQuery: r.drop && (r.status == 301 || r.status == 302), Origin: mapping.OriginImport,
	}}
}

// pages are the rows of a rule, and what they do not cover of it.
func (c *compiler) pages(r rule) (pages []mapping.Page, note, problem string) {
	stem := string(r.stem())
	switch {
	case r.kind == exact:
		return []mapping.Page{r.page(r.path)}, "", ""
	case !r.keep:
		return []mapping.Page{r.row(stem+"/*", r.target)}, "", ""
	case strings.ContainsAny(r.target, "?#"):
		if r.kind == below && r.path == "/" {
			return nil, "", "puts the rest of the path behind a query or a fragment, which no row can"
		}
		return []mapping.Page{r.page(r.path)}, "for " + string(r.path) + " alone: below it the rest of the path is put behind the target's query or fragment, which no row can", ""
	}
	target := c.o.Hosts.SitePath(r.target)
	base, slash := strings.CutSuffix(target, "/")
	switch {
	case r.kind == prefix && strings.HasPrefix(target, "/"):
		// The site's own double slashes are one.
		pages = []mapping.Page{r.row(stem+"/*", strings.TrimRight(target, "/")+"/*")}
		if slash && base != "" {
			pages = append(pages, r.row(stem, target))
		}
	case r.kind == prefix:
		pages = []mapping.Page{r.row(stem+"/*", target+"/*")}
	case !slash:
		return nil, "", fmt.Sprintf("joins the rest of the path to %q without a slash, which no row can: end both or neither in one", clip(target))
	default:
		pages = []mapping.Page{r.row(stem+"/*", base+"/*")}
	}
	return pages, "", ""
}

// take makes the rows of an entry, or says why there are none.
func (c *compiler) take(e entry) {
	var rows []mapping.Page
	var first taken
	var shadowed, plainly int // rules that never answer, and those of them that would answer the same
	notes := e.notes
	for _, r := range e.rules {
		whole := r.kind
		before, covered := c.before(&r)
		if covered && before.line == e.line {
			continue // an alternative that the line itself has already
		}
		if covered {
			shadowed++
			if shadowed == 1 {
				first = before
			}
			if before.kind == whole && c.key(before.path) == c.key(r.path) && before.status == r.status && before.target == r.target && before.keep == r.keep && before.drop == r.drop {
				plainly++
			}
			continue
		}
		pages, note, problem := c.pages(r)
		if problem != "" {
			c.say(e.line, Unexpressed, e.text, problem)
			return
		}
		if note != "" {
			notes = append(notes, note)
			r.kind = exact
		}
		for i, p := range pages {
			clean, err := c.o.Hosts.Clean(p)
			if err != nil {
				c.say(e.line, Refused, e.text, plain(err))
				return
			}
			pages[i] = clean
		}
		rows = append(rows, pages...)
		c.keepRule(taken{r, e.line, e.text})
	}
	if rows == nil {
		c.shadow(e, first, shadowed == plainly)
		return
	}
	if shadowed > 0 {
		notes = append(notes, fmt.Sprintf("in part: line %d answers the rest of it first", first.line))
	}
	for _, p := range rows {
		c.put(p, e.line)
	}
	c.say(e.line, Accepted, e.text, strings.Join(notes, "; "))
}

// shadow says what keeps a line from ever answering.
func (c *compiler) shadow(e entry, first taken, plainly bool) {
	r := e.rules[0]
	switch {
	case plainly:
		c.say(e.line, Duplicate, e.text, fmt.Sprintf("line %d says the same", first.line))
	case first.kind == r.kind && c.key(first.path) == c.key(r.path) && first.query == r.query && len(e.rules) == 1:
		c.say(e.line, Conflict, e.text, fmt.Sprintf("never answers: line %d says otherwise about %s, and the first counts", first.line, r.path))
	default:
		c.say(e.line, Unexpressed, e.text, fmt.Sprintf("never answers: line %d answers first", first.line))
	}
}

// keepRule remembers a rule that makes rows.
func (c *compiler) keepRule(t taken) {
	if t.kind != exact {
		stem := t.stem()
		c.prefixes[stem] = append(c.prefixes[stem], t)
		if t.kind == below && stem != "" {
			c.stems = append(c.stems, stem)
		}
		return
	}
	key := c.key(t.path)
	c.exacts[key] = append(c.exacts[key], t)
	if t.fold && t.query == "" {
		c.folded[mapping.Path(strings.ToLower(string(t.path)))] = t.line
	}
}
