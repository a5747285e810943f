// Read, and the account that it gives of every line.

package exchange

import (
	"context"
	"fmt"
	"io"
	"strings"

	"pagemap/mapping"
)

// ReadOptions say what is read. The zero values of all but Format are useful.
type ReadOptions struct {
	Format     Format
	Hosts      mapping.Hosts     // the site's own hosts: whole URLs on them are paths
	Base       mapping.Path      // Htaccess: URL of the directory that the file stands in, with "/" at the end; "": "/"
	IndexNames []string          // Htaccess, Httpd, NginxMap: names that a directory's URL stands for in the resolver
	Comma      rune              // CSV: the separator; 0: found in the first line
	Columns    map[string]string // CSV, TSV: column ("path", "status", "source", "query", "tags", "note") to its name in the file, or its place from "1"; nil: by the header, or by the look of the first row
	Progress   func(bytes int64) // called now and then with the bytes read so far; nil: nobody
}

// Verdict is what became of a line; of several statements on one, the last of
// these in this order.
type Verdict uint8

// The verdicts. Each line of a file has exactly one.
const (
	Empty       Verdict = iota // it says nothing: blank, comment, header, structure, continuation of the line before
	Accepted                   // it says rows of the table
	Duplicate                  // an earlier line says the same
	Conflict                   // an earlier line says otherwise about the same path
	Refused                    // it is wrong
	Unexpressed                // it is right, but the table has no such thing
	verdicts
)

var verdictNames = [verdicts]string{"empty", "accepted", "duplicate", "conflict", "refused", "not expressible"}

// String is the verdict in words.
func (v Verdict) String() string { return verdictNames[v] }

// Reading is what a file holds.
type Reading struct {
	Rows     []Row         // in the order of their lines; their pages are clean, no two of one pattern
	Lines    int           // physical lines of the file
	Counts   [verdicts]int // lines by verdict; they add up to Lines
	Problems []Problem     // all lines but plainly accepted and empty ones, and notes on these; the first MaxProblems
	Omitted  int           // problems beyond MaxProblems
	Notes    []string      // what is to be said about the whole file, such as columns that were passed over
}

// Row is a row with the line that says it.
type Row struct {
	Page mapping.Page
	Line int // from 1
}

// Problem is what there is to say about a line. With the verdict Accepted it is
// a note: what was read differently, or which part of the line's meaning its
// rows do not have.
type Problem struct {
	Line    int // from 1
	Verdict Verdict
	Reason  string // what is wrong, and the way out
	Text    string // the line, shortened
}

// MaxProblems is how many problems of a file are told; the others are counted.
const MaxProblems = 300_000

// Read reads a file. The error is of the file as a whole: it cannot be read, its
// encoding is unknown (ErrEncoding), its columns cannot be told. What is wrong
// with single lines is in the Reading.
func Read(ctx context.Context, r io.Reader, o ReadOptions) (*Reading, error) {
	if o.Base == "" {
		o.Base = "/"
	}
	if !strings.HasSuffix(string(o.Base), "/") {
		return nil, fmt.Errorf(`exchange: the directory %q does not end in "/"`, o.Base)
	}
	in, err := newInput(ctx, r, o.Progress)
	if err != nil {
		return nil, err
	}
	a := account{o: o, in: in, patterns: map[string]int32{}}
	switch o.Format {
	case CSV, TSV:
		err = a.readTable()
	case JSONLines:
		err = a.readJSONLines()
	case Htaccess, Httpd:
		err = a.readApache()
	case Redirects:
		err = a.readRedirects()
	case RewriteMap:
		err = a.readRewriteMap()
	case NginxMap:
		err = a.readNginxMap()
	default:
		_, err = ParseFormat(string(o.Format))
	}
	if err != nil {
		return nil, err
	}
	return a.result(), nil
}
