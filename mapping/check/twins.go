// Rows of paths that stood for the same page.

package check

import (
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// twins compares the ends of a row and of those whose paths differ in case,
// slash or index name alone. Each group is told of once, at its first row.
func (r *run) twins(row *mapping.Row, path mapping.Path) error {
	group := r.group(path)
	if len(group) < 2 || r.rows != nil && group[0].Pattern != row.Pattern || !slices.ContainsFunc(group, made) {
		return nil
	}
	ends := make([]string, len(group))
	for i := range group {
		ends[i] = r.end(mapping.Path(group[i].Pattern))
	}
	if !slices.ContainsFunc(ends[1:], func(end string) bool { return end != ends[0] }) {
		return nil
	}
	var words []string
	youngest := -1
	for i := range group {
		words = append(words, fmt.Sprintf("%s: %s", group[i].Pattern, ends[i]))
		if made(group[i]) && (youngest < 0 || group[i].Change > group[youngest].Change) {
			youngest = i
		}
	}
	return r.tell(Twins, row.Pattern, strings.Join(words, "; "), "pagemapctl page rm "+quote(group[youngest].Pattern))
}

func made(row mapping.Row) bool { return !row.Origin.Tree() }

// group are the rows that are twins of path, in the order of their patterns.
func (r *run) group(path mapping.Path) []mapping.Row {
	stem := r.stem(string(path))
	var group []mapping.Row
	add := func(at mapping.Path) {
		for _, row := range r.Table.Fold(at) {
			if !strings.Contains(row.Pattern, "?") && strings.EqualFold(r.stem(row.Pattern), stem) {
				group = append(group, row)
			}
		}
	}
	add(mapping.Path(stem))
	for _, name := range r.IndexNames {
		// Another index name beside it is a page of its own.
		if _, first := r.Table.Get(stem + "/" + name); first {
			add(mapping.Path(stem + "/" + name))
			break
		}
	}
	slices.SortFunc(group, func(a, b mapping.Row) int { return strings.Compare(a.Pattern, b.Pattern) })
	return group
}

// stem is a path without its final slash or index name.
func (r *run) stem(path string) string {
	slash := strings.LastIndexByte(path, '/')
	if slices.Contains(r.IndexNames, path[slash+1:]) {
		path = path[:slash]
	}
	return strings.TrimSuffix(path, "/")
}

// end is where a reader who asks for p ends up, in words.
func (r *run) end(p mapping.Path) string {
	a := r.resolver.Resolve(mapping.Target{Path: p, Clean: true})
	if a.Location == "" {
		if a.Status == 200 {
			return a.Source.String()
		}
		return fmt.Sprint(a.Status)
	}
	if t, err := mapping.ParseTarget(a.Location); err == nil && strings.HasPrefix(a.Location, "/") {
		if page := r.resolver.Resolve(t); page.Status == 200 {
			return page.Source.String()
		}
	}
	return a.Location
}
