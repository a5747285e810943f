// JSON lines: the complete format.

package exchange

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"pagemap/mapping"
)

// jsonRow is a line. What follows Note is read as information on where the row
// comes from: ChangedBy, ChangedAt and Change are passed over.
type jsonRow struct {
	Path      string   `json:"path"`
	Status    int      `json:"status"`
	Source    string   `json:"source,omitempty"`
	Query     string   `json:"query,omitempty"` // "drop", or "keep" and ""
	Tags      []string `json:"tags,omitempty"`
	Note      string   `json:"note,omitempty"`
	Origin    string   `json:"origin,omitempty"`
	ChangedBy any      `json:"changed_by,omitempty"`
	ChangedAt any      `json:"changed_at,omitempty"`
	Change    any      `json:"change,omitempty"`
}

// readJSONLines reads one object a line.
func (a *account) readJSONLines() error {
	return a.each(func(line int, text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		p, note, problem := parseJSONRow(text)
		if problem != "" {
			a.say(line, Refused, text, problem)
			return
		}
		a.add(line, text, p, note)
	})
}

// parseJSONRow is the page of a line.
func parseJSONRow(text string) (p mapping.Page, note, problem string) {
	if !utf8.ValidString(text) {
		return p, "", "is no UTF-8 text"
	}
	var row jsonRow
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&row); err != nil {
		return p, "", strings.TrimPrefix(err.Error(), "json: ") + ": a line is one object with the fields path, status, source, query, tags, note and origin"
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return p, "", "has more than one object"
	}
	p.Pattern, p.Source, p.Tags, p.Note, p.Origin = row.Path, row.Source, row.Tags, row.Note, mapping.OriginImport
	if p.Status, note, problem = rowStatus(row.Status); problem != "" {
		return p, "", problem
	}
	switch row.Query {
	case "drop":
		p.DropQuery = true
	case "keep", "":
	default:
		return p, "", fmt.Sprintf("query %q is neither keep nor drop", clip(row.Query))
	}
	if row.Origin != "" {
		origin, err := mapping.ParseOrigin(row.Origin)
		if err != nil {
			return p, "", plain(err)
		}
		p.Origin = origin
	}
	for _, value := range append(row.Tags, row.Note) {
		if strings.IndexByte(value, 0) >= 0 {
			return p, "", "has a NUL in its tags or its note: leave it out"
		}
	}
	return p, note, ""
}

// jsonLines writes rows of the complete format.
type jsonLines struct{ to *json.Encoder }

func newJSONLines(out *bufio.Writer) jsonLines {
	to := json.NewEncoder(out)
	to.SetEscapeHTML(false)
	return jsonLines{to}
}

// write writes a page, or says why it cannot.
func (j jsonLines) write(p mapping.Page) (left Left, err error) {
	for _, value := range append(p.Tags[:len(p.Tags):len(p.Tags)], p.Note, p.Source) {
		if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			return Left{Reason: "has bytes that are no UTF-8 text"}, nil
		}
	}
	row := jsonRow{Path: p.Pattern, Status: int(p.Status), Source: p.Source, Tags: p.Tags, Note: p.Note, Origin: p.Origin.String()}
	if p.DropQuery {
		row.Query = "drop"
	}
	return Left{}, j.to.Encode(row)
}
