// Facts that explain tells beside the steps: rows, file, cache.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
	"pagemap/render/cache"
)

// rowFacts are a row that was met, and the change-set that wrote it.
type rowFacts struct {
	pageJSON
	ChangeSet *setFacts `json:"change_set,omitempty"`
}

// setFacts are a change-set: who changed the row last, when and why.
type setFacts struct {
	ID     int64     `json:"id"`
	Author string    `json:"author"`
	Origin string    `json:"origin"`
	Note   string    `json:"note"`
	At     time.Time `json:"at"`
}

// rows fills in the rows that the steps met, and the redirects among them.
func (x *explainer) rows(ctx context.Context, e *explanation) error {
	met := map[string]bool{}
	for _, s := range e.Steps {
		row, ok := x.table.Get(s.Row)
		if !ok {
			continue
		}
		redirects := row.Status == http.StatusMovedPermanently || row.Status == http.StatusFound
		if s.Rule == "redirect" && redirects && (len(e.Hops) == 0 || e.Hops[len(e.Hops)-1] != s.Row) {
			e.Hops = append(e.Hops, s.Row)
		}
		if met[s.Row] {
			continue
		}
		met[s.Row] = true
		facts, err := x.row(ctx, row)
		if err != nil {
			return err
		}
		e.Rows = append(e.Rows, facts)
	}
	return nil
}

// row is what the database knows of a row, beyond what the table has.
func (x *explainer) row(ctx context.Context, row mapping.Row) (rowFacts, error) {
	if x.db == nil {
		return rowFacts{pageJSON: toJSON(mapping.Page{Row: row})}, nil
	}
	page, err := x.db.Page(ctx, row.Pattern)
	if errors.Is(err, postgres.ErrNoPage) { // removed since the table was read
		return rowFacts{pageJSON: toJSON(mapping.Page{Row: row})}, nil
	}
	if err != nil {
		return rowFacts{}, err
	}
	facts := rowFacts{pageJSON: toJSON(page)}
	sets, err := x.db.History(ctx, postgres.HistoryFilter{Pattern: row.Pattern, Limit: 1})
	if err == nil && len(sets) > 0 {
		s := sets[0]
		facts.ChangeSet = &setFacts{s.ID, s.Author, s.Origin.String(), s.Note, s.At}
	}
	return facts, err
}

// fileFacts are the state of the file that is drawn, or would be.
type fileFacts struct {
	Path     string     `json:"path"` // its key
	Exists   bool       `json:"exists"`
	Size     int64      `json:"size"`
	Modified *time.Time `json:"modified,omitempty"`
	Real     string     `json:"real,omitempty"` // where it is, if behind a symlink
	Class    string     `json:"class,omitempty"`
	Type     string     `json:"type,omitempty"`
	Refused  string     `json:"refused,omitempty"` // why it is not served: the reason, and which .htaccess restricts it
}

var classNames = map[mapping.Class]string{mapping.ClassPage: "page", mapping.ClassData: "data resource", mapping.ClassDenied: "never served"}

// file fills in the state of the answer's file, and where nothing answers that of
// the path's own.
func (x *explainer) file(e *explanation, p mapping.Path, a mapping.Answer) {
	switch {
	case x.files == nil, a.Source.Kind == mapping.SourceWiki:
		return
	case a.Source.Kind == mapping.SourceFile:
		p = mapping.Path(a.Source.Ref)
	case a.Status != http.StatusNotFound:
		return
	}
	f := &fileFacts{Path: string(p)}
	info, err := x.files.Stat(p)
	var no *tree.Refusal
	switch {
	case errors.As(err, &no):
		if no.Reason == tree.Missing && a.Source.Kind != mapping.SourceFile {
			return
		}
		f.Exists = no.Reason != tree.Missing
		f.Refused = string(no.Reason)
		if no.Detail != "" {
			f.Refused += " (" + no.Detail + ")"
		}
	case err != nil:
		f.Refused = err.Error()
	default:
		f.Exists, f.Size, f.Modified = true, info.Size, &info.Modified
		if info.Path != p {
			f.Real = string(info.Path)
		}
		if name, ok := info.Path.FileName(); ok {
			f.Class = classNames[x.types.Class(name, info.Size, int64(x.app.settings.ImageLimit))]
			f.Type = x.types.Media(name).ContentType()
		}
	}
	e.File = f
}

// cacheFacts are where the page is kept.
type cacheFacts struct {
	Key   string `json:"key"`
	Tier  string `json:"tier,omitempty"` // "memcached", or "" where it is not; a responder's own memory is not seen from here
	Error string `json:"error,omitempty"`
}

// cached fills in whether the page with these inputs is kept.
func (x *explainer) cached(e *explanation, inputs []string) {
	if inputs == nil {
		return // no page, or one that is streamed
	}
	_, tier, err := x.cache.Peek(inputs...)
	e.Cache = &cacheFacts{Key: cache.KeyOf(inputs...).String(), Tier: tier}
	if err != nil {
		e.Cache.Error = err.Error()
	}
}

// wrapFile names the file of an error.
func wrapFile(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }
