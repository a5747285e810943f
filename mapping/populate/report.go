// Report: what a crawl did, and what a maintainer should look at.

package populate

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// maxFindings is the number of findings of one group that a report keeps.
const maxFindings = 100

// Report of a run. Everything that is refused is in Refused or in Decisions.
type Report struct {
	Complete  bool `json:"complete"` // the whole tree was crawled
	DryRun    bool `json:"dry_run"`  // nothing was written; the numbers are what a run would do
	Files     int  `json:"files"`    // served files met
	Pages     int  `json:"pages"`    // of these: answered by the responder
	Data      int  `json:"data"`     // of these: redirected to /data
	Added     int  `json:"added"`
	Unchanged int  `json:"unchanged"` // had a row already
	Pruned    int  `json:"pruned"`

	Vanished  Group   `json:"vanished"`  // rows whose file is not served any more
	Refused   []Group `json:"refused"`   // as it should be, for all that can be known
	Decisions []Group `json:"decisions"` // a maintainer should look at these

	groups   map[string]*Group // Refused and Decisions during the crawl, by kind
	decide   map[string]bool   // kinds that are decisions
	treeRows int
	unread   bool // a directory could not be read
}

// Group is what was found of one kind.
type Group struct {
	Kind     string    `json:"kind"`
	Total    int       `json:"total"`
	Findings []Finding `json:"findings"` // the first 100
}

// Finding is one file, directory or directive.
type Finding struct {
	Path   string `json:"path"` // a path key; of a name that has none, the name in Go's quotes
	Detail string `json:"detail,omitempty"`
}

func (g *Group) add(path, detail string) {
	g.Total++
	if len(g.Findings) < maxFindings {
		g.Findings = append(g.Findings, Finding{Path: path, Detail: printable(detail)})
	}
}

// printable is s fit for a terminal, and not too long for a line.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	const limit = 200
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

func newReport() *Report {
	return &Report{
		Vanished: Group{Kind: "vanished"},
		groups:   map[string]*Group{},
		decide:   map[string]bool{},
	}
}

// undecided are the reasons for refusing that a maintainer should look at.
var undecided = []tree.Reason{
	"program source", tree.Restricted, tree.LinkOut, tree.Unreadable, tree.Unaddressable,
}

// item takes an item of the walk.
func (r *Report) item(it tree.Item, c counter) {
	path := string(it.Path)
	if path == "" {
		path = strconv.Quote(it.Name)
	}
	switch it.Kind {
	case tree.Served:
		r.Files++
		if c.isPage(it) {
			r.Pages++
		} else {
			r.Data++
		}
	case tree.Refused:
		reason := it.Refusal.Reason
		if reason == tree.Unreadable && strings.HasSuffix(it.Name, "/") {
			r.unread = true
		}
		r.found(slices.Contains(undecided, reason), string(reason), path, it.Refusal.Detail)
	case tree.Configured:
		for _, d := range it.Htaccess.Directives {
			r.found(true, "no longer honoured: "+strings.ToLower(printable(d.Name)), path, fmt.Sprintf("line %d: %s", d.Line, d.Text))
		}
	case tree.LinkedDir:
		r.found(true, "linked directory, not crawled: its URLs answer", path, "leads to "+it.Target)
	case tree.Ambiguous:
		var names []string
		for _, p := range it.Spelling {
			names = append(names, string(p))
		}
		r.found(true, "names that differ in case alone: other spellings answer 404", path, strings.Join(names, " "))
	}
}

// found adds a finding to the group of its kind.
func (r *Report) found(decide bool, kind, path, detail string) {
	g := r.groups[kind]
	if g == nil {
		g = &Group{Kind: kind}
		r.groups[kind] = g
		r.decide[kind] = decide
	}
	g.add(path, detail)
}

// finish sorts the groups, the largest first.
func (r *Report) finish() {
	order := func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Kind, b.Kind))
	}
	for _, g := range slices.SortedFunc(maps.Values(r.groups), order) {
		if r.decide[g.Kind] {
			r.Decisions = append(r.Decisions, *g)
		} else {
			r.Refused = append(r.Refused, *g)
		}
	}
}

// WriteText writes the report for people, with at most limit findings of each group.
func (r *Report) WriteText(w io.Writer, limit int) error {
	b := &strings.Builder{}
	did := func(verb string) string {
		if r.DryRun {
			return "would be " + verb
		}
		return verb
	}
	if !r.Complete {
		b.WriteString("The crawl did not reach its end.\n")
	}
	fmt.Fprintf(b, "%d files: %d pages, %d data resources\n", r.Files, r.Pages, r.Data)
	fmt.Fprintf(b, "%d %s, %d unchanged, %d vanished, %d %s\n",
		r.Added, did("added"), r.Unchanged, r.Vanished.Total, r.Pruned, did("pruned"))
	for _, part := range []struct {
		title  string
		groups []Group
	}{
		{"Vanished", []Group{r.Vanished}},
		{"Refused", r.Refused},
		{"Needing a decision", r.Decisions},
	} {
		title := "\n" + part.title + "\n"
		for _, g := range part.groups {
			if g.Total > 0 {
				b.WriteString(title)
				g.writeText(b, limit)
				title = ""
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Group) writeText(b *strings.Builder, limit int) {
	fmt.Fprintf(b, "  %d %s\n", g.Total, g.Kind)
	shown := g.Findings[:max(0, min(limit, len(g.Findings)))]
	for _, f := range shown {
		b.WriteString("    " + f.Path)
		if f.Detail != "" {
			b.WriteString("  " + f.Detail)
		}
		b.WriteString("\n")
	}
	if more := g.Total - len(shown); more > 0 && limit > 0 {
		fmt.Fprintf(b, "    and %d more\n", more)
	}
}

// counter tells pages from data resources.
type counter struct {
	types      *mapping.Types
	imageLimit int64
}

func newCounter(types *mapping.Types, imageLimit int64) counter {
	return counter{cmp.Or(types, mapping.DefaultTypes()), cmp.Or(imageLimit, mapping.DefaultImageLimit)}
}

// isPage classifies a served file. Only where the class depends on the size is that asked for.
func (c counter) isPage(it tree.Item) bool {
	class := c.types.Class(it.Name, 0, c.imageLimit)
	if class != c.types.Class(it.Name, c.imageLimit+1, c.imageLimit) {
		if info, err := it.Info(); err == nil { // else it has just been removed
			class = c.types.Class(it.Name, info.Size, c.imageLimit)
		}
	}
	return class == mapping.ClassPage
}
