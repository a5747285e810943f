// Resolving: what a request's target answers.

package mapping

import (
	"strconv"
	"strings"
)

// Rows is what resolving asks of a page table. *Table is the one in memory; the
// database's writers bring one over SQL for their check of loops.
type Rows interface {
	// Fold returns all exact and query rows whose path is p in ASCII letters of
	// either case, with or without a slash at the end. It may return rows of
	// other paths as well, which the caller passes over.
	// The slice must not be changed.
	Fold(p Path) []Row
	// LongestPrefix returns the prefix row that covers p with the longest path.
	LongestPrefix(p Path) (Row, bool)
}

// Files is what resolving asks of the file tree. A nil Files has no file.
type Files interface {
	// Lookup tells what the tree serves at p: nothing, a file, or a directory;
	// whether p ends in a slash does not matter.
	// fold asks, where nothing is found or a directory without an index file,
	// for the names that equal p once ASCII letters are folded.
	Lookup(p Path, fold bool) FileEntry
}

// FileEntry is the answer of Files.Lookup. The zero value: nothing there.
type FileEntry struct {
	Kind   FileKind
	Index  string // of a directory: the name of its index file, "" for none
	Reason string // why a name that exists is not served, for the trace
	Folded []Path // with fold: spellings that the tree serves (files, and directories with an index as "/dir/")
}

// FileKind is what the tree has under a name.
type FileKind uint8

// The kinds. RegularFile may be reached through symlinks that stay in the tree.
const (
	NoFile FileKind = iota
	RegularFile
	Directory
)

// Resolver answers what a URL is. Its fields are set once; it is safe for
// concurrent use. Rows nil: an empty table.
type Resolver struct {
	Rows       Rows
	Files      Files
	IndexNames []string // names that a directory's URL stands for, as a key spells them, best first
	MultiViews bool     // "/page" stands for "/page.html" where nothing else answers
	Hosts      Hosts    // targets on them are followed as site paths, also those of rows older than the setting
}

// Answer is what a URL answers. Status is one of 200, 301, 302, 404, 410.
type Answer struct {
	Status    int
	Source    Source // of a 200, and of the page that a spelling redirect goes to: what is drawn, with the rest of a prefix row's match put in
	Location  string // of a 301 or 302: whole, escaped, with the query merged in
	Suggest   string // of a 410: its suggested URL, escaped
	Spelling  bool   // the redirect goes to the page's own spelling
	Canonical Path   // of a 200: the page's own path, which differs from the asked one for an index name
	Pattern   string // the row that answered first, "" where the tree alone did
	Changed   int64  // the youngest row of the way, microseconds since 1970; 0 without a row
	TreeRow   bool   // the row that answered is the tree's memory
	Queried   bool   // query rows exist for the path: an edge must not store the answer
	Found     *Row   // a file found without a row: to be added
	Flag      Flag
}

// Flag marks an answer that a maintainer should look at.
type Flag uint8

// The flags.
const (
	FlagNone      Flag = iota
	FlagAmbiguous      // several spellings fold to the path: 404
	FlagLoop           // a redirect chain came back to itself: 404
	FlagTooDeep        // a redirect chain of more than MaxHops: 404
	FlagBadRow         // a row whose status or source no writer lets through: 404
)

// String is the flag in a word, "" for FlagNone.
func (f Flag) String() string {
	return [...]string{"", "ambiguous", "loop", "too deep", "bad row"}[f]
}

// MaxHops is the longest chain of redirects that is followed.
const MaxHops = 10

// Resolve answers a request's target.
func (r *Resolver) Resolve(t Target) Answer {
	w := walk{Resolver: r}
	return w.resolve(t)
}

// Explain is Resolve that also tells every step it took.
func (r *Resolver) Explain(t Target) (Answer, []Step) {
	w := walk{Resolver: r, traced: true}
	return w.resolve(t), w.steps
}

// Step is one step of resolving, in words and data, for explain.
type Step struct {
	Path    Path   `json:"path"`          // what was looked up
	Rule    string `json:"rule"`          // "exact", "index", "slash", "prefix", "file", "case", "multiviews", "spelling", "redirect", "none"
	Row     string `json:"row,omitempty"` // the pattern of the row met
	Outcome string `json:"outcome"`       // what was found, in words
}

// walk is one run of the resolver.
type walk struct {
	*Resolver
	rowsOnly bool // case folding is left out: the tree's spellings are not known
	traced   bool
	steps    []Step
	queried  bool // query rows were met on the way
}

func (w *walk) trace(p Path, rule, row, outcome string) {
	if w.traced {
		w.steps = append(w.steps, Step{p, rule, row, outcome})
	}
}

func (w *walk) resolve(t Target) Answer {
	// A raw "#" in the query would become a fragment of the Location.
	t.Query = strings.ReplaceAll(t.Query, "#", "%23")
	out := w.look(t, true)
	if out.redirects {
		out.Answer = w.follow(t, out)
	}
	out.Queried = w.queried
	return out.Answer
}

// outcome is the answer of one path, before its redirect is followed.
type outcome struct {
	Answer
	answered  bool // by a row or a file: false is the 404 of nothing at all
	redirects bool // row is a redirect, still to be followed
	row       Row
	rest      string // what follows the path of a prefix row: "", "/" or "/more"
	own       Path   // of a spelling redirect: where it goes, without the query
}

// look answers one path without following its redirect. lenient is false for a
// spelling that is tried in place of what was asked: it answers as it stands.
func (w *walk) look(t Target, lenient bool) outcome {
	f := w.find(t, lenient)
	switch {
	case f.answered() && f.status() == 200 && f.own != t.Path && f.form == formSlash:
		return w.respell(t, f.own)
	case f.answered():
		return w.settle(t, f)
	case !lenient:
		return outcome{Answer: Answer{Status: 404}}
	}
	own, several := w.foldedTo(t.Path, f.near, f.entry)
	if own != "" {
		if out := w.respell(t, own); out.answered {
			return out
		}
	}
	if w.MultiViews && !strings.HasSuffix(string(t.Path), "/") {
		variant := t
		variant.Path, variant.Clean = t.Path+".html", true
		w.trace(variant.Path, "multiviews", "", "tried in place of "+string(t.Path))
		if out := w.look(variant, false); out.answered {
			if out.Status == 200 && !t.Clean {
				return w.toOwn(t, t.Path, out)
			}
			return out
		}
	}
	out := outcome{Answer: Answer{Status: 404}}
	if several {
		out.Flag = FlagAmbiguous
	}
	w.trace(t.Path, "none", "", "404: no row and no file answers")
	return out
}

// respell answers for a page whose own spelling is another one: 301 to it where
// it is a page, and otherwise what it answers itself.
func (w *walk) respell(t Target, own Path) outcome {
	w.trace(t.Path, "spelling", "", "belongs to "+string(own))
	page := t
	page.Path, page.Clean = own, true
	out := w.look(page, false)
	if out.Status != 200 {
		return out
	}
	return w.toOwn(t, own, out)
}

// toOwn turns the 200 of out into the redirect to own, query kept.
func (w *walk) toOwn(t Target, own Path, out outcome) outcome {
	location := string(own)
	if t.HasQuery {
		location += "?" + t.Query
	}
	out.Answer = Answer{
		Status:   301,
		Source:   out.Source,
		Location: escapeURL(location),
		Spelling: true,
		Pattern:  out.Pattern,
		Changed:  out.Changed,
		TreeRow:  out.TreeRow,
	}
	out.own = own
	w.trace(t.Path, "spelling", "", "301 to the page's own spelling "+string(own))
	return out
}

// settle turns what was found into an answer.
func (w *walk) settle(t Target, f found) outcome {
	out := outcome{answered: true, row: f.row}
	out.Status = f.status()
	out.Pattern = f.row.Pattern
	out.Changed = f.row.Changed
	out.TreeRow = f.row.Pattern != "" && f.row.Origin.Tree()
	if f.file != nil {
		out.Found = f.file
		out.Pattern = ""
	}
	if f.form == formPrefix {
		prefix, _, _ := splitPattern(f.row.Pattern)
		out.rest = string(t.Path[len(prefix):])
	}
	switch out.Status {
	case 200:
		return w.settlePage(t, f, out)
	case 301, 302:
		out.redirects = true
	case 410:
		if source, err := ParseSource(f.row.Source); err == nil && source.Kind == SourceURL {
			out.Suggest = escapeURL(source.Ref)
		}
	case 404:
	default:
		out.Status, out.Flag = 404, FlagBadRow
	}
	return out
}

func (w *walk) settlePage(t Target, f found, out outcome) outcome {
	source, err := ParseSource(f.source())
	if err != nil || source.Kind != SourceFile && source.Kind != SourceWiki {
		out.Status, out.Flag = 404, FlagBadRow
		return out
	}
	out.Source, out.Canonical = source, f.own
	if base, ok := strings.CutSuffix(source.Ref, "/*"); ok && f.form == formPrefix {
		if source.Kind == SourceWiki {
			// "wiki:/*" names pages by the rest alone.
			out.Source.Ref = strings.TrimPrefix(base+unescape(out.rest, false), "/")
			if out.Source.Ref == "" {
				return gone(out)
			}
		} else if out = w.settleBelow(t, base, out); out.Status != 200 {
			return out
		}
	}
	if !t.Clean {
		return w.toOwn(t, t.Path, out)
	}
	return out
}

// settleBelow finds the file of a prefix row "file:/base/*" and, as for every
// directory of the tree, its index and its final slash.
func (w *walk) settleBelow(t Target, base string, out outcome) outcome {
	slash := strings.HasSuffix(string(t.Path), "/")
	ref := base + out.rest
	if ref == "" {
		ref = "/"
	}
	out.Source.Ref = ref
	if w.Files == nil {
		return out
	}
	switch entry := w.Files.Lookup(Path(ref), false); {
	case entry.Kind == RegularFile && !slash:
		if dir, name, ok := w.splitIndex(t.Path); ok {
			if below, ok := strings.CutSuffix(out.rest, name); ok && w.Files.Lookup(Path(base+below), false).Index == name {
				out.Canonical = dir
			}
		}
	case entry.Kind == RegularFile && len(t.Path) > 1:
		return w.respell(t, t.Path[:len(t.Path)-1])
	case entry.Kind == Directory && entry.Index != "" && slash:
		out.Source.Ref = strings.TrimSuffix(ref, "/") + "/" + entry.Index
	case entry.Kind == Directory && entry.Index != "":
		return w.respell(t, t.Path+"/")
	default:
		w.trace(t.Path, "file", out.Pattern, "the tree has no file "+ref)
		return gone(out)
	}
	return out
}

// gone is the 404 of a prefix row with nothing under this name.
func gone(out outcome) outcome {
	out.Status, out.Source, out.Canonical = 404, Source{}, ""
	return out
}

// describe is a row in words, for the trace.
func describe(r Row) string {
	return strings.TrimSpace(strconv.Itoa(int(r.Status))+" "+r.Source) + " (" + r.Origin.String() + ")"
}
