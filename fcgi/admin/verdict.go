// Verdicts: what is to be said of a row that somebody wants to write.

package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/check"
)

// verdict is what is to be said of a row.
type verdict struct {
	Refused string   `json:"refused"` // why no writer lets it through; "": it does
	Field   string   `json:"field"`   // that is refused: path, status, source
	Answer  string   `json:"answer"`  // what it would be, in its canonical form
	Faults  []remark `json:"faults"`  // what a check would find in it
}

// remark is a finding, as a form shows it.
type remark struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// judge says what is to be said of the row that a form wants, over the table in force.
func (a *Admin) judge(f form) verdict {
	v := verdict{Faults: []remark{}}
	p, err := a.clean(f)
	if err != nil {
		v.Refused = plain(err)
		var row *mapping.RowError
		if errors.As(err, &row) {
			v.Field = row.Field
		}
		return v
	}
	p.Changed = a.o.Now().UnixMicro()
	v.Answer = strings.TrimSpace(strings.Join([]string{p.Pattern, http.StatusText(int(p.Status)), p.Source}, " "))
	o := a.o.Check
	if o.Table = a.o.Explain.Table(); o.Table == nil {
		o.Table = new(mapping.Table)
	}
	for _, found := range check.Row(o, p.Row) {
		if found.Kind == check.Loop || found.Kind == check.Deep {
			v.Refused, v.Field = found.Detail, "source"
		}
		v.Faults = append(v.Faults, remark{string(found.Kind), faultName(string(found.Kind)), found.Detail})
	}
	return v
}

func sendJSON(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // who asked may have gone
	return nil
}
