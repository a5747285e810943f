// ReadCSV and WriteCSV: mappings as comma-separated values.

package exchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"pagemap/mapping"
)

// columns in the order they are written; the first three are required.
var columns = []string{"path", "status", "source", "query", "tags", "note"}

const required = 3

// ReadCSV reads a whole file into pages of origin import, in the file's order. Rows
// that are wrong make it fail with [*Errors], which tells of all of them.
func ReadCSV(r io.Reader, hosts mapping.Hosts) ([]mapping.Page, error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = in.Discard(3) // they are there
	}
	records := csv.NewReader(in)
	records.FieldsPerRecord = -1
	records.ReuseRecord = true
	c := reader{hosts: hosts, lines: map[string]int{}}
	for {
		record, err := records.Read()
		var syntax *csv.ParseError
		switch {
		case err == io.EOF:
			return c.result()
		case errors.As(err, &syntax):
			// What follows an unclosed quote cannot be told from it.
			c.errs.add(syntax.Line, fmt.Errorf("%w: put a field with quotes in quotes, and double those in it", syntax.Err))
			return c.result()
		case err != nil:
			return nil, fmt.Errorf("exchange: %w", err)
		}
		line, _ := records.FieldPos(0)
		if c.at == nil {
			if err := c.header(record); err != nil {
				return nil, &Errors{Lines: []LineError{{line, err}}, Total: 1}
			}
			continue
		}
		if err := c.record(line, record); err != nil {
			c.errs.add(line, err)
		}
	}
}

// reader is the state of ReadCSV.
type reader struct {
	hosts mapping.Hosts
	at    map[string]int // column to its place in the records
	width int
	lines map[string]int // canonical path to its line
	pages []mapping.Page
	errs  Errors
}

// result is what was read, or what was wrong.
func (c *reader) result() ([]mapping.Page, error) {
	if c.at == nil && c.errs.Total == 0 {
		c.errs.add(1, errors.New("the file is empty: its first line names the columns: "+strings.Join(columns, ",")))
	}
	if c.errs.Total > 0 {
		return nil, &c.errs
	}
	return c.pages, nil
}

// header takes the first record.
func (c *reader) header(record []string) error {
	at := map[string]int{}
	for i, field := range record {
		name := strings.ToLower(strings.TrimSpace(field))
		if !slices.Contains(columns, name) {
			return fmt.Errorf("column %q is unknown: the first line names the columns, which are %s", field, strings.Join(columns, ","))
		}
		if _, twice := at[name]; twice {
			return fmt.Errorf("column %q is there twice: remove one", name)
		}
		at[name] = i
	}
	for _, name := range columns[:required] {
		if _, ok := at[name]; !ok {
			return fmt.Errorf("column %q is missing: the first line names at least path,status,source", name)
		}
	}
	c.at, c.width = at, len(record)
	return nil
}

// record takes a row.
func (c *reader) record(line int, record []string) error {
	if len(record) != c.width {
		return fmt.Errorf("%d fields where the first line has %d: put a field with a comma in quotes", len(record), c.width)
	}
	for _, field := range record {
		if !utf8.ValidString(field) || strings.ContainsRune(field, 0) {
			return fmt.Errorf("field %q is no UTF-8 text: percent-encode bytes of a path, save the file as UTF-8", field)
		}
	}
	page, err := c.page(record)
	if err != nil {
		return err
	}
	if first, twice := c.lines[page.Pattern]; twice {
		return fmt.Errorf("path %q is on line %d already: remove one of the two", page.Pattern, first)
	}
	c.lines[page.Pattern] = line
	c.pages = append(c.pages, page)
	return nil
}

// page is the row of a record.
func (c *reader) page(record []string) (mapping.Page, error) {
	field := func(name string) string {
		if i, ok := c.at[name]; ok {
			return record[i]
		}
		return ""
	}
	var p mapping.Page
	status, err := strconv.ParseUint(strings.TrimSpace(field("status")), 10, 16)
	if err != nil {
		return p, &mapping.RowError{Field: "status", Value: field("status"), Problem: "is none of 200, 301, 302, 404, 410"}
	}
	p.Pattern, p.Status, p.Source = strings.Clone(field("path")), uint16(status), strings.Clone(field("source"))
	p.Origin = mapping.OriginImport
	switch query := strings.ToLower(strings.TrimSpace(field("query"))); query {
	case "drop":
		p.DropQuery = true
	case "keep", "":
	default:
		return p, &mapping.RowError{Field: "query", Value: query, Problem: "is neither keep nor drop"}
	}
	for tag := range strings.SplitSeq(field("tags"), ",") {
		tag = strings.TrimSpace(tag)
		if strings.ContainsAny(tag, "\r\n") {
			return p, &mapping.RowError{Field: "tags", Value: tag, Problem: "has a line end in a tag: separate tags by commas"}
		}
		if tag != "" {
			p.Tags = append(p.Tags, tag)
		}
	}
	p.Note = lineFeeds(field("note"))
	p, err = c.hosts.Clean(p)
	var wrong *mapping.RowError
	if errors.As(err, &wrong) && wrong.Field == "drop query" {
		wrong.Field, wrong.Value = "query", "drop"
	}
	return p, err
}

// lineFeeds ends the lines of s by LF alone, which CSV readers leave as it is.
func lineFeeds(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// WriteCSV writes pages with all columns. An error of the sequence ends it.
func WriteCSV(w io.Writer, pages iter.Seq2[mapping.Page, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	for p, err := range pages {
		if err != nil {
			return fmt.Errorf("exchange: %w", err)
		}
		for _, tag := range p.Tags {
			if tag == "" || strings.TrimSpace(tag) != tag || strings.ContainsAny(tag, ",\r\n") {
				return fmt.Errorf("exchange: %s: tag %q cannot be written: give it a name without commas, line ends, and blanks around it", p.Pattern, tag)
			}
		}
		query := "keep"
		if p.DropQuery {
			query = "drop"
		}
		err := out.Write([]string{
			p.Pattern, strconv.Itoa(int(p.Status)), p.Source, query, strings.Join(p.Tags, ","), lineFeeds(p.Note),
		})
		if err != nil {
			return fmt.Errorf("exchange: %s: %w", p.Pattern, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	return nil
}
