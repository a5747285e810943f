// Writing comma- and tab-separated values.

package exchange

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"pagemap/mapping"
)

// tableWriter writes records with all columns.
type tableWriter struct {
	out    *csv.Writer
	headed bool
}

func newTableWriter(out *bufio.Writer, f Format) *tableWriter {
	t := &tableWriter{out: csv.NewWriter(out)}
	if f == TSV {
		t.out.Comma = '\t'
	}
	return t
}

func (t *tableWriter) write(p mapping.Page) (left Left, err error) {
	if err := t.header(); err != nil {
		return left, err
	}
	for _, tag := range p.Tags {
		if tag == "" || strings.TrimSpace(tag) != tag || strings.ContainsAny(tag, ",\r\n") {
			return Left{Reason: fmt.Sprintf("tag %q cannot be written: give it a name without commas, line ends, and blanks around it", tag)}, nil
		}
	}
	tags := strings.Join(p.Tags, ",")
	for _, value := range [...]string{p.Source, tags, p.Note} {
		if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			return Left{Reason: "has bytes that are no UTF-8 text"}, nil
		}
	}
	note := strings.ReplaceAll(strings.ReplaceAll(p.Note, "\r\n", "\n"), "\r", "\n")
	if note != p.Note {
		left = Left{Reason: "written with other line ends in its note", Written: true}
	}
	query := "keep"
	if p.DropQuery {
		query = "drop"
	}
	return left, t.out.Write([]string{p.Pattern, strconv.Itoa(int(p.Status)), p.Source, query, tags, note})
}

func (t *tableWriter) header() error {
	if t.headed {
		return nil
	}
	t.headed = true
	return t.out.Write(columns)
}

// finish writes what is still to be written. Its errors come back when the
// buffer below is flushed.
func (t *tableWriter) finish() []Left {
	_ = t.header()
	t.out.Flush()
	return nil
}
