// ReadCSV and WriteCSV: mappings of which nothing may be missing.

package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"pagemap/mapping"
)

// ReadCSV reads a mapping file of the site's own: CSV that Read has nothing to
// say about. Otherwise it fails with [*Errors], which tells of all lines.
func ReadCSV(r io.Reader, hosts mapping.Hosts) ([]mapping.Page, error) {
	in, err := Read(context.Background(), r, ReadOptions{Format: CSV, Hosts: hosts})
	if err != nil {
		return nil, err
	}
	if in.Lines == 0 {
		return nil, &Errors{Lines: []LineError{{1, errors.New("the file is empty: its first line names the columns: path,status,source")}}, Total: 1}
	}
	errs := Errors{Total: in.Omitted}
	for _, note := range in.Notes {
		errs.add(1, errors.New(note))
	}
	for _, p := range in.Problems {
		errs.add(p.Line, errors.New(p.Reason))
	}
	if errs.Total > 0 {
		return nil, &errs
	}
	pages := make([]mapping.Page, len(in.Rows))
	for i, row := range in.Rows {
		pages[i] = row.Page
	}
	return pages, nil
}

// WriteCSV writes pages as CSV, or fails where it leaves a row out.
func WriteCSV(w io.Writer, pages iter.Seq2[mapping.Page, error]) error {
	left, err := Write(w, CSV, pages, WriteOptions{})
	if err != nil {
		return err
	}
	for _, l := range left {
		if !l.Written {
			return fmt.Errorf("exchange: %s: %s", l.Pattern, l.Reason)
		}
	}
	return nil
}
