// Facts that stand beside the steps: rows, file, cache.

package explain

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
	"pagemap/render/cache"
)

// Page is a row in JSON.
type Page struct {
	Path      string    `json:"path"`
	Status    int       `json:"status"`
	Source    string    `json:"source"`
	Query     string    `json:"query"` // keep, drop
	Origin    string    `json:"origin"`
	Tags      []string  `json:"tags"`
	Note      string    `json:"note"`
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
	Change    int64     `json:"change"`
}

// PageOf is p in JSON.
func PageOf(p mapping.Page) Page {
	query := "keep"
	if p.DropQuery {
		query = "drop"
	}
	return Page{p.Pattern, int(p.Status), p.Source, query, p.Origin.String(), append([]string{}, p.Tags...), p.Note, p.ChangedBy, p.ChangedAt(), p.Change}
}

// Row is a row that was met, and the change-set that wrote it.
type Row struct {
	Page
	ChangeSet *Set `json:"change_set,omitempty"`
}

// Set is a change-set: who changed the row last, when and why.
type Set struct {
	ID     int64     `json:"id"`
	Author string    `json:"author"`
	Origin string    `json:"origin"`
	Note   string    `json:"note"`
	At     time.Time `json:"at"`
}

// rows fills in the rows that the steps met, and the redirects among them.
func (x *Explainer) rows(ctx context.Context, e *Explanation) error {
	met := map[string]bool{}
	for _, s := range e.Steps {
		row, ok := x.Table().Get(s.Row)
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
func (x *Explainer) row(ctx context.Context, row mapping.Row) (Row, error) {
	if x.DB == nil {
		return Row{Page: PageOf(mapping.Page{Row: row})}, nil
	}
	page, err := x.DB.Page(ctx, row.Pattern)
	if errors.Is(err, postgres.ErrNoPage) { // removed since the table was read
		return Row{Page: PageOf(mapping.Page{Row: row})}, nil
	}
	if err != nil {
		return Row{}, err
	}
	facts := Row{Page: PageOf(page)}
	sets, err := x.DB.History(ctx, postgres.HistoryFilter{Pattern: row.Pattern, Limit: 1})
	if err == nil && len(sets) > 0 {
		s := sets[0]
		facts.ChangeSet = &Set{s.ID, s.Author, s.Origin.String(), s.Note, s.At}
	}
	return facts, err
}

// File is the state of the file that is drawn, or would be.
type File struct {
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
func (x *Explainer) file(e *Explanation, p mapping.Path, a mapping.Answer) {
	switch {
	case x.Files == nil, a.Source.Kind == mapping.SourceWiki:
		return
	case a.Source.Kind == mapping.SourceFile:
		p = mapping.Path(a.Source.Ref)
	case a.Status != http.StatusNotFound:
		return
	}
	f := &File{Path: string(p)}
	info, err := x.Files.Stat(p)
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
			f.Class = classNames[x.Types.Class(name, info.Size, x.Images)]
			f.Type = x.Types.Media(name).ContentType()
		}
	}
	e.File = f
}

// Kept is where the page is kept.
type Kept struct {
	Key   string `json:"key"`
	Tier  string `json:"tier,omitempty"` // "memcached", or "" where it is not; a responder's own memory is not seen from here
	Error string `json:"error,omitempty"`
}

// kept fills in whether the page with these inputs is kept.
func (x *Explainer) kept(e *Explanation, inputs []string) {
	if x.Cache == nil || inputs == nil {
		return // no page, or one that is streamed
	}
	_, tier, err := x.Cache.Peek(inputs...)
	e.Cache = &Kept{Key: cache.KeyOf(inputs...).String(), Tier: tier}
	if err != nil {
		e.Cache.Error = err.Error()
	}
}
