// Run: every check, over one state of the table.

package check

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// Kind says what is wrong.
type Kind string

// The kinds, as the package comment explains them.
const (
	Loop       Kind = "loop"
	Deep       Kind = "deep"
	Chain      Kind = "chain"
	Dead       Kind = "dead"
	Bad        Kind = "bad"
	Vanished   Kind = "vanished"
	Twins      Kind = "twins"
	Hidden     Kind = "hidden"
	Replaced   Kind = "replaced"
	Unrecorded Kind = "unrecorded"
	Unreached  Kind = "unreached"
	External   Kind = "external"
)

// Kinds are all kinds, the gravest first.
func Kinds() []Kind {
	return []Kind{Loop, Deep, Bad, Dead, Vanished, Twins, Hidden, Chain, Unreached, Unrecorded, Replaced, External}
}

// Usual are the kinds that are looked for where none are named: all but Replaced and External.
func Usual() []Kind {
	return []Kind{Loop, Deep, Bad, Dead, Vanished, Twins, Hidden, Chain, Unreached, Unrecorded}
}

// Finding is one thing that is wrong.
type Finding struct {
	Kind    Kind   `json:"kind"`
	Path    string `json:"path"`    // the row's pattern, or the file's path; of a name that has none, the name in Go's quotes
	Detail  string `json:"detail"`  // what is wrong
	Command string `json:"command"` // a command that puts it right, for a shell
}

// Report sums up a run.
type Report struct {
	Rows     int          `json:"rows"`     // looked at
	Files    int          `json:"files"`    // likewise
	External int          `json:"external"` // targets on other hosts that were asked
	Found    map[Kind]int `json:"found"`    // findings, by kind
}

// Total is the number of findings.
func (r *Report) Total() int {
	n := 0
	for _, found := range r.Found {
		n += found
	}
	return n
}

// Options of Run. Table is needed.
type Options struct {
	Table      *mapping.Table
	Tree       *tree.Tree // nil: none, and nothing is said of files
	IndexNames []string   // these as the site's resolver has them
	MultiViews bool
	Hosts      mapping.Hosts
	DataPrefix string // where data resources are; "": "/data"

	Kinds     []Kind         // to look for; nil: Usual
	Elsewhere []mapping.Path // paths that, with all below them, another part of the server answers
	External  *Prober        // asks targets on other hosts, for the kind External; nil: they are not asked

	Progress func(rows, files, external int) // called now and then; may be nil
}

// progressStep is the number of rows or files between two calls of Progress.
const progressStep = 10_000

// Run looks for the kinds and calls found for every finding. It ends with found's
// error, the tree's, or that of ctx.
func Run(ctx context.Context, o Options, found func(Finding) error) (Report, error) {
	if o.Kinds == nil {
		o.Kinds = Usual()
	}
	if o.DataPrefix == "" {
		o.DataPrefix = "/data"
	}
	r := newRun(o, found)
	err := r.all(ctx)
	return r.report, err
}

func newRun(o Options, found func(Finding) error) *run {
	r := &run{
		Options: o, found: found, report: Report{Found: map[Kind]int{}}, want: map[Kind]bool{},
		drawn: map[uint64]struct{}{}, seed: maphash.MakeSeed(), targets: map[string]*target{},
		resolver: mapping.Resolver{Rows: o.Table, IndexNames: o.IndexNames, MultiViews: o.MultiViews, Hosts: o.Hosts},
	}
	if o.Tree != nil {
		r.resolver.Files = o.Tree
	}
	for _, kind := range o.Kinds {
		r.want[kind] = true
	}
	return r
}

// run is the state of one Run.
type run struct {
	Options
	found    func(Finding) error
	report   Report
	want     map[Kind]bool
	resolver mapping.Resolver
	rows     []mapping.Row       // in the order of their patterns; nil: the run is about one row
	drawn    map[uint64]struct{} // hashes of files that rows of other paths draw
	seed     maphash.Seed
	targets  map[string]*target // on other hosts
}

func (r *run) all(ctx context.Context) error {
	r.rows = slices.SortedFunc(r.Table.All(), func(a, b mapping.Row) int { return strings.Compare(a.Pattern, b.Pattern) })
	for i := range r.rows {
		if i%progressStep == 0 {
			r.progress()
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := r.row(&r.rows[i]); err != nil {
			return err
		}
		r.report.Rows++
	}
	if r.Tree != nil && (r.want[Hidden] || r.want[Replaced] || r.want[Unrecorded] || r.want[Unreached]) {
		if err := r.Tree.Walk(ctx, r.item); err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	if r.want[External] && r.External != nil {
		if err := r.external(ctx); err != nil {
			return err
		}
	}
	r.progress()
	return nil
}

func (r *run) progress() {
	if r.Progress != nil {
		r.Progress(r.report.Rows, r.report.Files, r.report.External)
	}
}

// report takes note of a finding of a kind that is wanted.
func (r *run) tell(kind Kind, path, detail, command string) error {
	if !r.want[kind] {
		return nil
	}
	r.report.Found[kind]++
	return r.found(Finding{kind, path, detail, command})
}

// row looks at one row.
func (r *run) row(row *mapping.Row) error {
	pattern, err := mapping.ParsePattern(row.Pattern)
	if err == nil {
		_, err = r.Hosts.Clean(mapping.Page{Row: *row})
	}
	if err != nil {
		return r.tell(Bad, row.Pattern, err.Error(), "pagemapctl page rm "+quote(row.Pattern))
	}
	switch row.Status {
	case 301, 302:
		err = r.redirect(row, pattern)
	case 200:
		err = r.content(row, pattern)
	}
	if err != nil || pattern.Prefix || len(pattern.Query) > 0 || !r.want[Twins] {
		return err
	}
	return r.twins(row, pattern.Path)
}

// content looks at a row that draws a page.
func (r *run) content(row *mapping.Row, pattern mapping.Pattern) error {
	ref, ok := strings.CutPrefix(row.Source, "file:")
	if !ok {
		return nil
	}
	if ref != row.Pattern {
		r.drawn[maphash.String(r.seed, ref)] = struct{}{}
	}
	if r.Tree == nil || !r.want[Vanished] {
		return nil
	}
	kind := mapping.RegularFile
	base, rest := strings.CutSuffix(ref, "/*")
	if rest && pattern.Prefix {
		ref, kind = base+"/", mapping.Directory
	}
	entry := r.Tree.Lookup(mapping.Path(ref), false)
	if entry.Kind == kind {
		return nil
	}
	command := "pagemapctl page set " + quote(row.Pattern) + " 410"
	if row.Origin.Tree() {
		command = "pagemapctl populate --prune"
	}
	detail := "the tree has no file " + ref
	switch {
	case entry.Reason != "":
		detail = ref + " is not served: " + strings.TrimPrefix(entry.Reason, tree.ErrNotServed.Error()+": ")
	case kind == mapping.Directory:
		detail = "the tree has no directory " + ref
	case entry.Kind == mapping.Directory:
		detail = ref + " is a directory now"
	}
	return r.tell(Vanished, row.Pattern, detail, command)
}

// quote makes s one word for a shell.
func quote(s string) string {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("/._-:=,+@%", c)
	}
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !plain(c) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
