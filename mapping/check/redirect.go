// Rows that redirect: loops, chains, dead ends.

package check

import (
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// below is a name that no row and no file has: it is not of any charset.
const below = "pagemap-check%FF%FE"

// redirect looks at a row that redirects.
func (r *run) redirect(row *mapping.Row, pattern mapping.Pattern) error {
	source := r.Hosts.SitePath(row.Source)
	if !strings.HasPrefix(source, "/") {
		r.addTarget(row)
	}
	told := map[Kind]bool{} // a prefix row is followed from several places
	for _, from := range starts(row, pattern) {
		answer, steps := r.resolver.Explain(from)
		if answer.Pattern != row.Pattern {
			continue // another row answers here
		}
		kind, detail, command := r.judge(row, pattern, from, answer, steps)
		if kind == "" || told[kind] {
			continue
		}
		told[kind] = true
		if err := r.tell(kind, row.Pattern, detail, command); err != nil {
			return err
		}
	}
	return nil
}

// starts are the requests that a row is followed from.
func starts(row *mapping.Row, pattern mapping.Pattern) []mapping.Target {
	if pattern.Prefix {
		targets := []mapping.Target{{Path: pattern.Path + "/" + below, Clean: true}, {Path: pattern.Path + "/", Clean: true}}
		if pattern.Path != "" {
			targets = append(targets, mapping.Target{Path: pattern.Path, Clean: true})
		}
		return targets
	}
	_, query, has := strings.Cut(row.Pattern, "?")
	return []mapping.Target{{Path: pattern.Path, Query: query, HasQuery: has, Clean: true}}
}

// judge says what is wrong with the way of a redirect, if anything.
func (r *run) judge(row *mapping.Row, pattern mapping.Pattern, from mapping.Target, a mapping.Answer, steps []mapping.Step) (kind Kind, detail, command string) {
	chain := r.hops(steps)
	way := strings.Join(chain, " -> ")
	gone := "pagemapctl page set " + quote(row.Pattern) + " 410"
	switch {
	case a.Flag == mapping.FlagLoop:
		return Loop, way + " -> and back again", gone
	case a.Flag == mapping.FlagTooDeep:
		return Deep, fmt.Sprintf("more than %d redirects: %s", mapping.MaxHops, way), gone
	case a.Flag != mapping.FlagNone:
		return Bad, "leads to a row that is bad or ambiguous: " + way, "pagemapctl explain " + quote(string(from.Path))
	case a.Location == "":
		return Dead, fmt.Sprintf("ends in a row that says %d: %s", a.Status, way), gone
	}
	if why := r.dead(row, pattern, from, a.Location); why != "" {
		return Dead, why, gone
	}
	if len(chain) < 2 {
		return "", "", ""
	}
	detail = fmt.Sprintf("%d redirects, answered as one: %s -> %s", len(chain), way, strings.ReplaceAll(a.Location, below, "*"))
	end, kept := strings.CutSuffix(a.Location, "/"+below)
	switch {
	case kept:
		end += "/*"
	case keepsRest(row, pattern): // where it leads depends on the request
		return Chain, detail, "pagemapctl explain " + quote(string(from.Path))
	}
	return Chain, detail, fmt.Sprintf("pagemapctl page set %s %d %s", quote(row.Pattern), a.Status, quote(end))
}

func keepsRest(row *mapping.Row, pattern mapping.Pattern) bool {
	return pattern.Prefix && strings.HasSuffix(row.Source, "/*")
}

// hops are the redirect rows of a way, in their order.
func (r *run) hops(steps []mapping.Step) []string {
	var chain []string
	var at mapping.Path
	for _, s := range steps {
		if s.Rule != "redirect" || s.Row == "" || len(chain) > 0 && s.Path == at && s.Row == chain[len(chain)-1] {
			continue
		}
		if row, _ := r.Table.Get(s.Row); row.Status == 301 || row.Status == 302 { // not the page at the end
			chain = append(chain, s.Row)
			at = s.Path
		}
	}
	return chain
}

// dead says what is wrong with a redirect's location, "" where it answers or is not
// ours to judge.
func (r *run) dead(row *mapping.Row, pattern mapping.Pattern, from mapping.Target, location string) string {
	location, _, _ = strings.Cut(location, "#")
	if !strings.HasPrefix(location, "/") {
		return ""
	}
	keeps := keepsRest(row, pattern)
	if keeps {
		if !strings.HasSuffix(string(from.Path), "/"+below) {
			return "" // a directory needs no index
		}
		location = strings.TrimSuffix(location, below)
	}
	t, err := mapping.ParseTarget(location)
	if err != nil {
		return err.Error()
	}
	if slices.ContainsFunc(r.Elsewhere, func(p mapping.Path) bool { return under(string(t.Path), string(p)) }) {
		return ""
	}
	if keeps && r.populated(t.Path) {
		return ""
	}
	if file, ok := strings.CutPrefix(string(t.Path), r.DataPrefix+"/"); ok {
		if r.Tree == nil || r.Tree.Lookup(mapping.Path("/"+file), false).Kind != mapping.NoFile {
			return ""
		}
		return location + " is a file that the tree does not serve"
	}
	end := r.resolver.Resolve(t)
	switch {
	case end.Status == 410 || end.Status == 404 && end.Pattern != "":
		return fmt.Sprintf("%s is answered %d by the row %s", location, end.Status, end.Pattern)
	case end.Status == 404:
		return location + " is answered by no row and no file here"
	case end.Source.Kind == mapping.SourceFile && r.Tree != nil && r.Tree.Lookup(mapping.Path(end.Source.Ref), false).Kind != mapping.RegularFile:
		return location + " is a page whose file has vanished"
	}
	return ""
}

// populated reports whether anything is at a directory's path or below it.
func (r *run) populated(dir mapping.Path) bool {
	if r.resolver.Resolve(mapping.Target{Path: dir, Clean: true}).Status != 404 {
		return true
	}
	name := strings.TrimSuffix(string(dir), "/")
	if file, ok := strings.CutPrefix(name, r.DataPrefix); ok && (file == "" || file[0] == '/') {
		name = file
	}
	if r.Tree != nil && r.Tree.Lookup(mapping.Path(name+"/"), false).Kind == mapping.Directory {
		return true
	}
	if r.rows == nil {
		for row := range r.Table.All() {
			if strings.HasPrefix(row.Pattern, string(dir)) {
				return true
			}
		}
		return false
	}
	i, _ := slices.BinarySearchFunc(r.rows, string(dir), func(row mapping.Row, dir string) int { return strings.Compare(row.Pattern, dir) })
	return i < len(r.rows) && strings.HasPrefix(r.rows[i].Pattern, string(dir))
}

// under reports whether path is base or below it.
func under(path, base string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(base, "/"))
	return ok && (rest == "" || rest[0] == '/')
}
