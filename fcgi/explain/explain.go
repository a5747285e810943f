// Explainer: one URL's answer, and the facts beside it.

package explain

import (
	"context"
	"net/http"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
	"pagemap/render"
)

// Explanation is what is told of one URL.
type Explanation struct {
	URL         string               `json:"url"`
	Key         string               `json:"key,omitempty"` // "" of a target that has none
	KeySteps    []mapping.KeyStep    `json:"key_steps"`     // how the target became it
	Steps       []mapping.Step       `json:"steps"`         // every look-up
	Row         string               `json:"row,omitempty"` // pattern of the row that answered
	Rows        []Row                `json:"rows"`          // that were met, that one and those it leads to
	Hops        []string             `json:"hops"`          // patterns of the redirects that were followed
	Source      string               `json:"source,omitempty"`
	File        *File                `json:"file,omitempty"`
	Cache       *Kept                `json:"cache,omitempty"`
	Flag        string               `json:"flag,omitempty"` // why a maintainer should look at it
	Status      int                  `json:"status"`         // and
	Header      http.Header          `json:"header"`         // as a reader gets them
	Suggestions []mapping.Suggestion `json:"suggestions"`    // of an error: what may have been meant
}

// Handler answers readers, over one table.
type Handler interface {
	http.Handler
	Explain(mapping.Target) (mapping.Answer, []mapping.Step)
}

// Pages knows which pages are kept.
type Pages interface {
	// Peek returns the page with these inputs where a tier has it, and the tier's name.
	Peek(inputs ...string) (doc *render.Document, tier string, err error)
}

// Explainer answers for URLs. Its fields are set once; it is safe for concurrent use.
type Explainer struct {
	Handler  Handler               // made with Undrawn
	Table    func() *mapping.Table // that the handler answers from
	DB       *postgres.DB          // nil: none
	Files    *tree.Tree            // nil: none
	Types    *mapping.Types
	Images   int64 // bytes up to which an image is a page
	Cache    Pages // nil: nothing is told of it
	Hosts    mapping.Hosts
	Resolver func(context.Context) (mapping.Resolver, error) // with which suggestions are sought
}

// Explain answers for one URL, which may be a path or a whole URL of the site, with
// at most so many suggestions.
func (x *Explainer) Explain(ctx context.Context, url string, suggestions int) (Explanation, error) {
	raw := x.Hosts.SitePath(url)
	e := Explanation{URL: url, KeySteps: mapping.KeySteps(raw), Rows: []Row{}, Hops: []string{}, Suggestions: []mapping.Suggestion{}}
	if e.KeySteps == nil {
		e.KeySteps = []mapping.KeyStep{}
	}
	var inputs []string
	e.Status, e.Header = Head(witnessed(ctx, &inputs), x.Handler, raw)
	e.Header.Del("Cache-Status") // of this program, not of a responder

	t, err := mapping.ParseTarget(raw)
	if err != nil {
		e.Steps = []mapping.Step{{Rule: "path", Outcome: err.Error()}}
		return e, nil
	}
	answer, steps := x.Handler.Explain(t)
	e.Key, e.Steps, e.Row, e.Flag = string(t.Path), steps, answer.Pattern, answer.Flag.String()
	if answer.Source.Kind != mapping.SourceNone {
		e.Source = answer.Source.String()
	}
	if err := x.rows(ctx, &e); err != nil {
		return e, err
	}
	x.file(&e, t.Path, answer)
	x.kept(&e, inputs)
	if e.Status == http.StatusNotFound && suggestions > 0 {
		resolver, err := x.Resolver(ctx)
		if err != nil {
			return e, err
		}
		e.Suggestions = append(e.Suggestions, resolver.Near([]mapping.Path{t.Path}, suggestions)[0]...)
	}
	return e, nil
}

// Head asks a handler for a target with HEAD, and returns the head of its answer.
func Head(ctx context.Context, h http.Handler, target string) (status int, header http.Header) {
	w := headWriter{header: http.Header{}}
	h.ServeHTTP(&w, (&http.Request{Method: http.MethodHead, RequestURI: target, Header: http.Header{}}).WithContext(ctx))
	return w.status, w.header
}

// headWriter keeps the head of an answer.
type headWriter struct {
	header http.Header
	status int
}

func (w *headWriter) Header() http.Header { return w.header }

func (w *headWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *headWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}
