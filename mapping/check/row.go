// Row: what a run would find about one row.

package check

import "pagemap/mapping"

// Row is what Run finds about one row, which the table need not have yet: it is
// checked as if it had. Twins are found at each of their rows. No other host is
// asked. A file that the row hides is among the findings.
func Row(o Options, row mapping.Row) []Finding {
	o.Table = o.Table.Apply([]mapping.Change{{Pattern: row.Pattern, Row: &row}})
	o.External, o.Kinds = nil, Kinds()
	if o.DataPrefix == "" {
		o.DataPrefix = "/data"
	}
	var found []Finding
	r := newRun(o, func(f Finding) error {
		found = append(found, f)
		return nil
	})
	_ = r.row(&row) // it has found's errors alone
	pattern, err := mapping.ParsePattern(row.Pattern)
	if err != nil || pattern.Prefix || len(pattern.Query) > 0 || o.Tree == nil {
		return found
	}
	file := pattern.Path
	entry := o.Tree.Lookup(file, false)
	if entry.Kind == mapping.Directory && entry.Index != "" {
		file += mapping.Path(entry.Index)
	}
	if entry.Kind == mapping.RegularFile || file != pattern.Path {
		_ = r.hides(pattern.Path, file) // likewise
	}
	return found
}
