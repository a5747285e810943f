// Files of the tree: does anything answer with them?

package check

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// undecided are the reasons for not serving a file that a maintainer can change.
var undecided = []tree.Reason{
	"program source", tree.Restricted, tree.Unreadable, tree.LinkOut, tree.LinkBroken, tree.LinkLoop, tree.Unaddressable,
}

// item looks at one thing of the tree.
func (r *run) item(it tree.Item) error {
	switch it.Kind {
	case tree.Served:
		if r.report.Files%progressStep == 0 {
			r.progress()
		}
		r.report.Files++
		return r.hides(it.Path, it.File)
	case tree.Refused:
		if !slices.Contains(undecided, it.Refusal.Reason) {
			return nil
		}
		path := string(it.Path)
		if path == "" {
			path = strconv.Quote(it.Name)
		}
		detail := string(it.Refusal.Reason)
		if it.Refusal.Detail != "" {
			detail += " (" + it.Refusal.Detail + ")"
		}
		return r.tell(Unreached, path, detail, r.instead(it))
	}
	return nil
}

// instead is what a maintainer may run for a file that the tree does not serve.
func (r *run) instead(it tree.Item) string {
	if it.Path == "" {
		return "mv -- " + quote(it.Name) + " NEWNAME"
	}
	if it.Refusal.Reason == tree.Unreadable {
		return "chmod a+r -- " + quote(it.Name)
	}
	return "pagemapctl page set " + quote(string(it.Path)) + " 410"
}

// hides looks at a file that the tree serves at a path: does anything hide it?
func (r *run) hides(at, file mapping.Path) error {
	path := string(at)
	a := r.resolver.Resolve(mapping.Target{Path: at, Clean: true})
	if a.Source.Kind == mapping.SourceFile && a.Source.Ref == string(file) {
		if a.Found != nil {
			return r.tell(Unrecorded, path, "answers, but has no row yet", "pagemapctl populate")
		}
		return nil
	}
	if a.Pattern == "" {
		return r.tell(Unreached, path, fmt.Sprintf("answers %d %s", a.Status, a.Flag), "pagemapctl explain "+quote(path))
	}
	pattern, err := mapping.ParsePattern(a.Pattern)
	if err != nil {
		return fmt.Errorf("check: row %s: %w", a.Pattern, err)
	}
	detail := fmt.Sprintf("the row %s answers %d", a.Pattern, a.Status)
	if what := a.Source.String() + a.Location + a.Suggest; what != "" {
		detail += " " + what
	}
	if _, ok := r.drawn[maphash.String(r.seed, string(file))]; ok {
		detail += "; another row draws the file"
	}
	kind, command := Hidden, "pagemapctl page rm "+quote(a.Pattern)
	switch {
	case pattern.Prefix:
		command = fmt.Sprintf("pagemapctl page set %s 200 %s", quote(path), quote("file:"+string(file)))
	case a.Status == 200:
		kind = Replaced
	}
	return r.tell(kind, path, detail, command)
}
