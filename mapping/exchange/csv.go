// Comma-, semicolon- and tab-separated values.

package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"pagemap/mapping"
)

// columns in the order they are written.
var columns = []string{"path", "status", "source", "query", "tags", "note"}

// Names that other programs give to columns, lower-case, words separated by one
// blank. "source" is not among them: next to a column of targets it is the path,
// else it is ours.
var synonyms = map[string]string{
	"path": "path", "from": "path", "old": "path", "url": "path", "old url": "path", "old path": "path", "from url": "path", "from path": "path",
	"source url": "path", "source path": "path", "redirect from": "path", "request": "path", "request path": "path", "legacy url": "path", "url from": "path",
	"to": "source", "target": "source", "destination": "source", "new": "source", "new url": "source", "new path": "source", "to url": "source",
	"to path": "source", "target url": "source", "target path": "source", "destination url": "source", "destination path": "source",
	"redirect": "source", "redirect to": "source", "redirect url": "source", "location": "source", "url to": "source", "dest": "source",
	"status": "status", "code": "status", "type": "status", "status code": "status", "http status": "status", "http code": "status",
	"redirect type": "status", "redirect code": "status", "redirect status": "status", "response code": "status", "http status code": "status",
	"query": "query", "tags": "tags", "tag": "tags", "labels": "tags", "note": "note", "notes": "note", "comment": "note", "comments": "note", "description": "note",
}

// table is a reading of records.
type table struct {
	*account
	at    map[string]int // column to its place in the records
	width int            // fields of the first record
	comma rune
}

// readTable reads CSV and TSV.
func (a *account) readTable() error {
	records := csv.NewReader(a.in.text)
	records.FieldsPerRecord, records.ReuseRecord = -1, true
	if records.Comma = a.o.Comma; records.Comma == 0 {
		records.Comma = a.separator()
	}
	t := table{account: a, comma: records.Comma}
	for {
		record, err := records.Read()
		var syntax *csv.ParseError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &syntax):
			a.say(syntax.StartLine, Refused, "", fmt.Sprintf("%v: put a field with quotes in quotes, and double those in it", syntax.Err))
			continue
		case err != nil:
			return fmt.Errorf("exchange: %w", err)
		}
		line, _ := records.FieldPos(0)
		if strings.HasPrefix(record[0], "#") {
			continue
		}
		if t.at == nil {
			header, err := t.columns(record)
			if err != nil {
				return &Errors{Lines: []LineError{{line, err}}, Total: 1}
			}
			if header {
				continue
			}
		}
		t.record(line, record)
	}
}

// separator is the one of most of the first line.
func (a *account) separator() rune {
	if a.o.Format == TSV {
		return '\t'
	}
	head, _ := a.in.text.Peek(4 << 10) // less is there
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, "\n"), []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(first, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// columns takes the first record: the header, which it reports, or a row by
// which the columns are told.
func (t *table) columns(record []string) (header bool, err error) {
	names := make([]string, len(record))
	known := 0
	for i, field := range record {
		names[i] = columnName(field)
		if _, ok := synonyms[names[i]]; ok || names[i] == "source" {
			known++
		}
	}
	header = known > 0 && !slices.ContainsFunc(record, looksLikeURL)
	t.at, t.width = map[string]int{}, len(record)
	switch {
	case t.o.Columns != nil:
		header, err = t.given(names, header)
	case header:
		err = t.named(record, names)
	default:
		err = t.placed(record)
	}
	if err != nil {
		return false, err
	}
	if _, ok := t.at["status"]; !ok {
		t.note("there is no column of statuses: rows with a target are read as 301")
	}
	return header, nil
}

// columnName is a header's field in the form of synonyms.
func columnName(field string) string {
	words := strings.FieldsFunc(strings.ToLower(field), func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '\t' || r == '.' })
	return strings.Join(words, " ")
}

func looksLikeURL(field string) bool {
	field = strings.TrimSpace(field)
	return strings.HasPrefix(field, "/") || strings.Contains(field, "://")
}

// given takes the columns from the options.
func (t *table) given(names []string, header bool) (bool, error) {
	for column, want := range t.o.Columns {
		if !slices.Contains(columns, column) {
			return false, fmt.Errorf("column %q is unknown: the columns are %s", column, strings.Join(columns, ", "))
		}
		if place, err := strconv.Atoi(want); err == nil {
			if place < 1 || place > 1000 {
				return false, fmt.Errorf("column %s=%s: places are counted from 1", column, want)
			}
			t.at[column] = place - 1
			continue
		}
		place := slices.Index(names, columnName(want))
		if place < 0 {
			return false, fmt.Errorf("column %s=%s: the first line has no field of this name", column, want)
		}
		t.at[column] = place
		header = true
	}
	if _, ok := t.at["path"]; !ok {
		return false, errors.New(`which column has the paths? Name "path" too`)
	}
	return header, nil
}

// named takes the columns from a header.
func (t *table) named(record, names []string) error {
	targets := slices.ContainsFunc(names, func(n string) bool { return synonyms[n] == "source" })
	var extra []string
	for i, name := range names {
		column := synonyms[name]
		if name == "source" {
			if column = "source"; targets {
				column = "path"
			}
		}
		if column == "" {
			extra = append(extra, strconv.Quote(strings.ToValidUTF8(clip(record[i]), "?")))
			continue
		}
		if _, twice := t.at[column]; twice {
			return fmt.Errorf("column %q is there twice: remove one, or say which by options", column)
		}
		t.at[column] = i
	}
	if _, ok := t.at["path"]; !ok {
		return fmt.Errorf("no column has the paths: the first line names the columns, such as %s", strings.Join(columns, ","))
	}
	_, source := t.at["source"]
	if _, ok := t.at["status"]; !ok && !source {
		return errors.New(`columns "status" and "source" are missing: one of them must be there`)
	}
	if extra != nil {
		t.note("columns passed over: %s", strings.Join(extra, ", "))
	}
	return nil
}

// placed takes the columns from the look of a first row without a header: a
// path, and behind it a status and a target in any order.
func (t *table) placed(record []string) error {
	if !looksLikeURL(record[0]) {
		return fmt.Errorf("%q is neither a path nor a column's name: begin the file with the names of its columns, such as %s", clip(record[0]), strings.Join(columns, ","))
	}
	t.at["path"] = 0
	place := func(column string, i int) {
		if _, ok := t.at[column]; !ok {
			t.at[column] = i
		}
	}
	for i, field := range record[1:] {
		if _, _, problem := parseStatus(field); problem == "" {
			place("status", i+1)
		} else if looksLikeURL(field) || strings.HasPrefix(field, "file:") || strings.HasPrefix(field, "wiki:") {
			place("source", i+1)
		}
	}
	_, status := t.at["status"]
	_, source := t.at["source"]
	if !status && !source {
		return errors.New("the first row has neither a status nor a target: begin the file with the names of its columns")
	}
	if status && !source && len(record) > 2 {
		place("source", 3-t.at["status"])
	}
	t.note("the file has no header: read as %s", t.places())
	if len(record) > len(t.at) {
		t.note("other columns are passed over")
	}
	return nil
}

// places is where the columns are, in words.
func (t *table) places() string {
	var words []string
	for _, column := range columns {
		if i, ok := t.at[column]; ok {
			words = append(words, fmt.Sprintf("%s=%d", column, i+1))
		}
	}
	return strings.Join(words, ", ")
}

// record takes a row.
func (t *table) record(line int, record []string) {
	field := func(name string) string {
		if i, ok := t.at[name]; ok && i < len(record) {
			return record[i]
		}
		return ""
	}
	refuse := func(problem string) { t.say(line, Refused, strings.Join(record, string(',')), problem) }
	for _, value := range record {
		if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			refuse("is no UTF-8 text: percent-encode bytes of a path, save the file as UTF-8")
			return
		}
	}
	if extra := len(record) - t.width; extra > 0 && slices.ContainsFunc(record[t.width:], func(value string) bool { return value != "" }) {
		refuse(fmt.Sprintf("%d fields where the first line has %d: put a field with %q in quotes", len(record), t.width, t.comma))
		return
	}
	p := mapping.Page{Row: mapping.Row{Pattern: field("path"), Source: field("source"), Origin: mapping.OriginImport}}
	if strings.TrimSpace(p.Pattern) == "" {
		if !slices.ContainsFunc(record, func(value string) bool { return strings.TrimSpace(value) != "" }) {
			return
		}
		refuse("has no path")
		return
	}
	var note string
	if status := field("status"); strings.TrimSpace(status) == "" {
		if strings.TrimSpace(p.Source) == "" {
			refuse("has neither a status nor a target: 410 is a page that is gone, 404 one that is not there")
			return
		}
		p.Status = 301
		if _, ok := t.at["status"]; ok {
			note = "no status, read as 301"
		}
	} else {
		var problem string
		if p.Status, note, problem = parseStatus(status); problem != "" {
			refuse(problem)
			return
		}
	}
	if query := strings.ToLower(strings.TrimSpace(field("query"))); query == "drop" {
		p.DropQuery = true
	} else if query != "keep" && query != "" {
		refuse(fmt.Sprintf("query %q is neither keep nor drop", clip(query)))
		return
	}
	for tag := range strings.SplitSeq(field("tags"), ",") {
		tag = strings.TrimSpace(tag)
		if strings.Contains(tag, "\n") {
			refuse(fmt.Sprintf("tag %q has a line end: separate tags by commas", clip(tag)))
			return
		}
		if tag != "" {
			p.Tags = append(p.Tags, tag)
		}
	}
	p.Note = field("note")
	t.add(line, p.Pattern, p, note)
}
