// Which row or file answers a path.

package mapping

import (
	"slices"
	"strings"
)

// form is how the asked path differs from the one that answers.
type form uint8

const (
	formOwn    form = iota // not at all
	formIndex              // "/dir/index.html" for "/dir/", or the reverse
	formSlash              // a slash at the end too many or too few
	formPrefix             // covered by a prefix row
)

// found is what answers a path: a row, or a file that has none.
type found struct {
	row   Row  // Pattern "" where nothing or a file alone answers
	file  *Row // the row that a file found without one should get
	own   Path // the page's own path
	form  form
	near  []Row     // the rows of the path's Fold, for folding
	entry FileEntry // what the tree said, for folding
}

func (f *found) answered() bool { return f.row.Pattern != "" || f.file != nil }

func (f *found) status() int {
	if f.file != nil {
		return 200
	}
	return int(f.row.Status)
}

func (f *found) source() string {
	if f.file != nil {
		return f.file.Source
	}
	return f.row.Source
}

// The two ranks of exact and query rows.
const (
	made = false // by a person or an import
	tree = true  // the tree's memory
)

// find looks for what answers t in the order of the package comment: made rows,
// prefix rows, the tree with its rows. fold asks the tree for other spellings
// where it has nothing.
func (w *walk) find(t Target, fold bool) found {
	near := w.fold(t.Path)
	if f := w.findMade(t, near); f.answered() {
		return f
	}
	if w.Rows != nil {
		if row, ok := w.Rows.LongestPrefix(t.Path); ok {
			w.traceRow(t.Path, "prefix", row)
			return found{row: row, own: t.Path, form: formPrefix}
		}
	}
	w.trace(t.Path, "prefix", "", "no prefix row covers it")
	return w.findTree(t, near, fold)
}

func (w *walk) fold(p Path) []Row {
	if w.Rows == nil {
		return nil
	}
	return w.Rows.Fold(p)
}

// findMade looks for a row made by a person or an import, at the path and then
// at its twins.
func (w *walk) findMade(t Target, near []Row) found {
	if row, ok := w.pick(near, t.Path, t.Query, made); ok {
		w.traceRow(t.Path, "exact", row)
		return found{row: row, own: t.Path}
	}
	w.trace(t.Path, "exact", "", "no row made by a person or an import")
	if dir, name, ok := w.splitIndex(t.Path); ok {
		around := w.fold(dir)
		row, ok := w.pick(around, dir, t.Query, made)
		if ok && w.isIndex(dir, name, around, near) {
			w.traceRow(dir, "index", row)
			return found{row: row, own: dir, form: formIndex}
		}
		row, ok = w.pickTwin(around, dir, t.Query, made)
		if ok && w.isIndex(dir, name, around, near) {
			w.traceRow(dir, "slash", row)
			return found{row: row, own: pathOf(row), form: formSlash}
		}
	}
	if strings.HasSuffix(string(t.Path), "/") {
		if row, ok := w.pickIndex(t.Path, t.Query, near, made); ok {
			w.traceRow(t.Path, "index", row)
			return found{row: row, own: pathOf(row), form: formIndex}
		}
	}
	if row, ok := w.pickTwin(near, t.Path, t.Query, made); ok {
		w.traceRow(t.Path, "slash", row)
		return found{row: row, own: pathOf(row), form: formSlash}
	}
	return found{}
}

// findTree looks for the file of this name, by the rows that remember it first.
func (w *walk) findTree(t Target, near []Row, fold bool) found {
	if row, ok := w.pick(near, t.Path, t.Query, tree); ok {
		w.traceRow(t.Path, "file", row)
		return found{row: row, own: t.Path}
	}
	slash := strings.HasSuffix(string(t.Path), "/")
	dir, name, indexed := w.splitIndex(t.Path)
	var around []Row
	if indexed {
		around = w.fold(dir)
		if row, ok := w.pick(around, dir, t.Query, tree); ok && fileOf(row) == t.Path {
			w.traceRow(dir, "index", row)
			return found{row: row, own: dir, form: formIndex}
		}
	}
	var entry FileEntry
	if w.Files != nil {
		entry = w.Files.Lookup(t.Path, fold && !w.rowsOnly)
	}
	switch {
	case entry.Kind == RegularFile && !slash:
		if indexed && !hasRow(around, dir) && w.Files.Lookup(dir, false).Index == name {
			return w.foundFile(t.Path, dir, t.Path, formIndex)
		}
		return w.foundFile(t.Path, t.Path, t.Path, formOwn)
	case entry.Kind == Directory && slash && entry.Index != "":
		return w.foundFile(t.Path, t.Path, t.Path+Path(entry.Index), formOwn)
	}
	if entry.Reason != "" {
		w.trace(t.Path, "file", "", "not served: "+entry.Reason)
	} else {
		w.trace(t.Path, "file", "", "no file of this name")
	}
	if row, ok := w.pickTwin(near, t.Path, t.Query, tree); ok {
		w.traceRow(t.Path, "slash", row)
		return found{row: row, own: pathOf(row), form: formSlash}
	}
	if slash {
		if row, ok := w.pickIndex(t.Path, t.Query, near, tree); ok {
			w.traceRow(t.Path, "index", row)
			return found{row: row, own: pathOf(row), form: formIndex}
		}
	}
	if !slash {
		// A directory that is known by the row of its index file alone.
		dir := t.Path + "/"
		for _, rank := range [...]bool{made, tree} {
			if row, ok := w.pickIndex(dir, t.Query, near, rank); ok {
				w.traceRow(dir, "slash", row)
				return found{row: row, own: dir, form: formSlash}
			}
		}
	}
	switch {
	case entry.Kind == RegularFile && t.Path != "/":
		page := t.Path[:len(t.Path)-1]
		return w.foundFile(t.Path, page, page, formSlash)
	case entry.Kind == Directory && entry.Index != "" && !slash:
		return w.foundFile(t.Path, t.Path+"/", t.Path+"/"+Path(entry.Index), formSlash)
	}
	return found{near: near, entry: entry}
}

// foundFile is a file without a row: file is its key, page the path of its page.
func (w *walk) foundFile(p, page, file Path, form form) found {
	w.trace(p, "file", "", "the tree has "+string(file))
	return found{
		file: &Row{Pattern: string(page), Source: "file:" + string(file), Status: 200, Origin: OriginAuto},
		own:  page,
		form: form,
	}
}

// pick is the row of this path and rank: of the query rows that match, the one
// with most parameters (the first in order of their text among equals), then the
// row without a query.
func (w *walk) pick(rows []Row, p Path, query string, rank bool) (Row, bool) {
	var (
		best      *Row
		most      = -1
		requested []string
	)
	for i := range rows {
		row := &rows[i]
		path, _, wanted := splitPattern(row.Pattern)
		if path != p {
			continue
		}
		parameters := 0
		if wanted != "" {
			w.queried = true
			if requested == nil {
				requested = parameterTexts(query)
			}
			var ok bool
			if parameters, ok = contains(requested, wanted); !ok {
				continue
			}
		}
		if row.Origin.Tree() != rank {
			continue
		}
		if parameters > most || parameters == most && row.Pattern < best.Pattern {
			best, most = row, parameters
		}
	}
	if best == nil {
		return Row{}, false
	}
	return *best, true
}

// pickTwin is pick for the path with the slash at its end put on or taken off.
func (w *walk) pickTwin(rows []Row, p Path, query string, rank bool) (Row, bool) {
	if page, ok := strings.CutSuffix(string(p), "/"); ok {
		return w.pick(rows, Path(page), query, rank)
	}
	for i := range rows {
		path := pathOf(rows[i])
		if len(path) == len(p)+1 && path[len(p)] == '/' && path[:len(p)] == p {
			return w.pick(rows, path, query, rank)
		}
	}
	return Row{}, false
}

// pickIndex is pick for the index files of the directory dir, best first. rows
// are those of dir's Fold.
func (w *walk) pickIndex(dir Path, query string, rows []Row, rank bool) (Row, bool) {
	if file := w.remembered(dir, rows); file != "" {
		return w.pick(w.fold(file), file, query, rank)
	}
	for _, name := range w.IndexNames {
		file := dir + Path(name)
		near := w.fold(file)
		if row, ok := w.pick(near, file, query, rank); ok && w.isIndex(dir, name, rows, near) {
			return row, true
		}
	}
	return Row{}, false
}

// isIndex reports whether a directory's URL stands for the file of this name in
// it, and not for another index file beside it: as the tree's memory says, else
// the tree, else a crawled row of the file's own says no. around are the rows of
// dir's Fold, near those of the file's.
func (w *walk) isIndex(dir Path, name string, around, near []Row) bool {
	if file := w.remembered(dir, around); file != "" {
		return string(file[len(dir):]) == name
	}
	if w.Files != nil {
		if entry := w.Files.Lookup(dir, false); entry.Kind == Directory && entry.Index != "" {
			return entry.Index == name
		}
	}
	return !slices.ContainsFunc(near, func(r Row) bool {
		path, _, query := splitPattern(r.Pattern)
		return r.Origin.Tree() && query == "" && len(path) == len(dir)+len(name) &&
			path[:len(dir)] == dir && string(path[len(dir):]) == name
	})
}

// remembered is the index file that the crawled row of a directory names, ""
// without such a row.
func (w *walk) remembered(dir Path, rows []Row) Path {
	for i := range rows {
		if Path(rows[i].Pattern) != dir || !rows[i].Origin.Tree() {
			continue
		}
		file := fileOf(rows[i])
		if folder, _, ok := w.splitIndex(file); ok && folder == dir {
			return file
		}
	}
	return ""
}

// splitIndex takes a path with an index name apart.
func (w *walk) splitIndex(p Path) (dir Path, name string, ok bool) {
	slash := strings.LastIndexByte(string(p), '/')
	dir, name = p[:slash+1], string(p[slash+1:])
	return dir, name, name != "" && slices.Contains(w.IndexNames, name)
}

// foldedTo is the one page whose path is p in letters of another case. Of paths
// that also differ in the slash at the end it takes notice where there is none
// without that. several: there are more than one, so none is taken.
func (w *walk) foldedTo(p Path, near []Row, entry FileEntry) (own Path, several bool) {
	if w.rowsOnly {
		return "", false
	}
	var same, slash []Path
	add := func(candidate Path) {
		list := &same
		if strings.HasSuffix(string(candidate), "/") != strings.HasSuffix(string(p), "/") {
			list = &slash
		}
		if !slices.Contains(*list, candidate) {
			*list = append(*list, candidate)
		}
	}
	stem := strings.TrimSuffix(string(p), "/")
	for _, row := range near {
		path, _, query := splitPattern(row.Pattern)
		if query == "" && strings.EqualFold(strings.TrimSuffix(string(path), "/"), stem) {
			add(path)
		}
	}
	// An index file's row is its directory's.
	dir := p[:strings.LastIndexByte(string(p), '/')+1]
	if slices.ContainsFunc(w.IndexNames, func(name string) bool { return strings.EqualFold(name, string(p[len(dir):])) }) {
		for _, row := range w.fold(dir) {
			if file := fileOf(row); strings.EqualFold(string(file), string(p)) && strings.EqualFold(row.Pattern, string(dir)) {
				add(file)
			}
		}
	}
	for _, path := range entry.Folded {
		add(path)
	}
	if len(same) == 0 {
		same = slash
	}
	switch len(same) {
	case 0:
		w.trace(p, "case", "", "no other spelling")
		return "", false
	case 1:
		w.trace(p, "case", "", "spelt "+string(same[0]))
		return same[0], false
	}
	w.trace(p, "case", "", "ambiguous: "+joinPaths(same))
	return "", true
}

// hasRow reports whether rows have the exact row of a path.
func hasRow(rows []Row, p Path) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return Path(r.Pattern) == p })
}

func pathOf(r Row) Path {
	path, _, _ := splitPattern(r.Pattern)
	return path
}

// fileOf is the key of the file that a row draws, "" for none.
func fileOf(r Row) Path {
	ref, ok := strings.CutPrefix(r.Source, "file:")
	if !ok || r.Status != 200 || !strings.HasPrefix(ref, "/") {
		return ""
	}
	return Path(ref)
}

func joinPaths(paths []Path) string {
	texts := make([]string, len(paths))
	for i, p := range paths {
		texts[i] = string(p)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func (w *walk) traceRow(p Path, rule string, row Row) {
	if w.traced {
		w.trace(p, rule, row.Pattern, describe(row))
	}
}
