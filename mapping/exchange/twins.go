// Twins: paths for which the table answers as for another.

package exchange

import (
	"slices"
	"strings"

	"pagemap/mapping"
)

// governor is an exact or query row that answers for its twins.
type governor struct {
	path  mapping.Path
	query string
	added bool // by finish
}

// put takes a clean row. A row of the same line that answers for it as its twin
// makes it needless.
func (c *compiler) put(p mapping.Page, line int) {
	if _, there := c.patterns[p.Pattern]; there {
		return
	}
	path, query, _ := strings.Cut(p.Pattern, "?")
	if !strings.HasSuffix(path, "/*") {
		for i := len(c.rows) - 1; i >= 0 && c.rows[i].Line == line; i-- {
			before := c.rows[i].Page
			twin, twinQuery, _ := strings.Cut(before.Pattern, "?")
			if twinQuery == query && same(before, p) && slices.Contains(c.twinsOf(mapping.Path(twin)), mapping.Path(path)) {
				return
			}
		}
		c.governors = append(c.governors, governor{path: mapping.Path(path), query: query})
	}
	c.insert(p, line)
}

// twinsOf are the paths that a row at p answers too where they have none of
// their own, before any prefix row does.
func (c *compiler) twinsOf(p mapping.Path) []mapping.Path {
	var twins []mapping.Path
	dir := p
	if page, ok := strings.CutSuffix(string(p), "/"); !ok {
		dir = p + "/"
		twins = append(twins, dir)
		if folder, ok := c.folder(p); ok {
			twins = append(twins, folder)
		}
	} else if page != "" {
		twins = append(twins, mapping.Path(page))
	}
	for _, name := range c.indexNames {
		twins = append(twins, dir+mapping.Path(name))
	}
	return twins
}

// governorsOf are the paths whose rows answer at p, in the table's order.
func (c *compiler) governorsOf(p mapping.Path) []mapping.Path {
	all := []mapping.Path{p}
	page, slash := strings.CutSuffix(string(p), "/")
	if folder, ok := c.folder(p); ok {
		all = append(all, folder, folder[:len(folder)-1])
	}
	if !slash {
		return append(all, p+"/")
	}
	for _, name := range c.indexNames {
		all = append(all, p+mapping.Path(name))
	}
	return append(all, mapping.Path(page))
}

// folder is the directory of an index file.
func (c *compiler) folder(p mapping.Path) (mapping.Path, bool) {
	slash := strings.LastIndexByte(string(p), '/') + 1
	return p[:slash], slices.Contains(c.indexNames, string(p[slash:]))
}

// finish gives rows to twins of rows that another rule answers: the table would
// take the twin before that rule's prefix row. Below index files it ends.
func (c *compiler) finish() {
	for _, stem := range c.stems {
		// The prefix row covers it, and another rule answers it.
		c.complete(governor{}, stem)
	}
	for i := 0; i < len(c.governors); i++ {
		g := c.governors[i]
		for _, twin := range c.twinsOf(g.path) {
			if _, index := c.folder(g.path); index && g.added && strings.HasPrefix(string(twin), string(g.path)) {
				continue
			}
			c.complete(g, twin)
		}
	}
}

// complete gives a row to a twin of g's.
func (c *compiler) complete(g governor, twin mapping.Path) {
	if _, there := c.patterns[string(twin)]; there {
		return
	}
	for _, t := range c.exacts[twin] {
		if t.query == "" || g.query != "" && queryWithin(t.query, g.query) {
			return
		}
	}
	cover, ok := c.covering(twin)
	if !ok {
		return
	}
	p, err := c.o.Hosts.Clean(cover.page(twin))
	if err != nil {
		return // longer than any row may be
	}
	pattern := string(g.path)
	if g.query != "" {
		pattern += "?" + g.query
	}
	if at, ok := c.patterns[pattern]; ok && same(c.rows[at].Page, p) {
		return
	}
	c.insert(p, cover.line)
	c.governors = append(c.governors, governor{path: twin, added: true})
	// Query rows of the twin's, which its row would come before.
	for _, t := range c.exacts[twin] {
		p, err := c.o.Hosts.Clean(t.page(twin))
		if _, there := c.patterns[p.Pattern]; err == nil && !there {
			c.insert(p, t.line)
		}
	}
}

// insert takes a clean row of a new pattern.
func (c *compiler) insert(p mapping.Page, line int) {
	c.patterns[p.Pattern] = int32(len(c.rows))
	c.rows = append(c.rows, Row{p, line})
}

// answering tells, of rows that are written for a server, which paths one of the
// exact and query rows has to answer there: its own, and those of its twins that a
// prefix row would answer. covered: one would answer its own path too.
func answering(exacts, prefixes []mapping.Page, indexNames []string) func(p mapping.Page) (paths []mapping.Path, covered bool) {
	c := new(account).compiler()
	c.indexNames = indexNames
	queries := map[string][]string{} // of the rows at a path; "" for none
	for _, p := range exacts {
		path, query, _ := strings.Cut(p.Pattern, "?")
		queries[path] = append(queries[path], query)
	}
	for _, p := range prefixes {
		stem := mapping.Path(strings.TrimSuffix(p.Pattern, "/*"))
		c.prefixes[stem] = append(c.prefixes[stem], taken{rule: rule{path: stem, kind: prefix}})
	}
	return func(p mapping.Page) (paths []mapping.Path, covered bool) {
		path, query, _ := strings.Cut(p.Pattern, "?")
		paths = []mapping.Path{mapping.Path(path)}
		for _, twin := range c.twinsOf(paths[0]) {
			first := slices.IndexFunc(c.governorsOf(twin), func(g mapping.Path) bool {
				return slices.ContainsFunc(queries[string(g)], func(q string) bool { return queryWithin(q, query) })
			})
			if _, covered := c.covering(twin); covered && first >= 0 && c.governorsOf(twin)[first] == paths[0] {
				paths = append(paths, twin)
			}
		}
		_, covered = c.covering(paths[0])
		return paths, covered
	}
}
