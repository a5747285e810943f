// Write, and what a format cannot hold.

package exchange

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"

	"pagemap/mapping"
)

// WriteOptions say how pages are written. The zero value is useful.
type WriteOptions struct {
	IndexNames []string // Htaccess, Httpd, NginxMap: names that a directory's URL stands for in the resolver
}

// Left is what a format cannot hold of a row.
type Left struct {
	Pattern string
	Reason  string
	Written bool // the row is there, without a part of it
}

// writer writes pages of one format. A Left with a Reason is completed by the
// caller.
type writer interface {
	write(p mapping.Page) (Left, error)
}

// Write writes pages, the order of which does not matter. It tells of all that
// the format cannot hold. An error of the sequence ends it.
func Write(w io.Writer, f Format, pages iter.Seq2[mapping.Page, error], o WriteOptions) ([]Left, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	var to writer
	switch f {
	case CSV, TSV:
		to = newTableWriter(out, f)
	case JSONLines:
		to = newJSONLines(out)
	case Htaccess, Httpd:
		to = &apacheWriter{out: out, server: f == Httpd, indexNames: o.IndexNames}
	case Redirects:
		to = &redirectsWriter{out: out}
	case RewriteMap:
		to = newRewriteMapWriter(out)
	case NginxMap:
		to = &nginxMapWriter{out: out, indexNames: o.IndexNames}
	default:
		_, err := ParseFormat(string(f))
		return nil, err
	}
	var all []Left
	for p, err := range pages {
		if err != nil {
			return nil, fmt.Errorf("exchange: %w", err)
		}
		left, err := to.write(p)
		if err != nil {
			return nil, fmt.Errorf("exchange: %s: %w", p.Pattern, err)
		}
		if left.Reason != "" {
			left.Pattern = p.Pattern
			all = append(all, left)
		}
	}
	if last, ok := to.(interface{ finish() []Left }); ok {
		all = append(all, last.finish()...)
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return all, nil
}

// bare says what a format without tags, notes and suggestions leaves out of a
// page that it holds.
func bare(p mapping.Page) Left {
	var parts []string
	if len(p.Tags) > 0 {
		parts = append(parts, "tags")
	}
	if p.Note != "" {
		parts = append(parts, "note")
	}
	if p.Status == 410 && p.Source != "" {
		parts = append(parts, "suggested URL")
	}
	if parts == nil {
		return Left{}
	}
	return Left{Reason: "written without its " + strings.Join(parts, " and "), Written: true}
}

// noRedirect is the reason for a page in a format of redirects.
const noRedirect = "is a page, and the format has redirects alone"
