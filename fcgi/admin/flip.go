// Flips: a page's other source, and what would be lost by it.

package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/render/wiki"
	"pagemap/render/wiki/compare"
)

// Comparer compares pages of the old tree with the wiki's. Its errors are told to the user.
type Comparer interface {
	// Compare compares the content of a file with that of the wiki's page of a name. Where the wiki has no such
	// page, the comparison is with a draft: what the file's content would be there.
	Compare(ctx context.Context, p Pair) (*Comparison, error)
	// SideBySide is an HTML page that shows both, what differs marked, in frames in which nothing runs and nothing is loaded.
	SideBySide(ctx context.Context, p Pair) ([]byte, error)
}

// Pair are the two sources of a page.
type Pair struct {
	Path mapping.Path
	File string // key of the file
	Name string // of the wiki's page
}

// Comparison is how the wiki's page differs from the file.
type Comparison struct {
	compare.Result
	Draft bool // the wiki has no such page
}

// compareTime is how long a comparison may take.
const compareTime = 20 * time.Second

// flip is the other source that a page may have.
type flip struct {
	Kind     string // "wiki" or "file"
	To       string // the source
	Row      *postgres.Listed
	Compared bool // it can be compared
	pair     Pair
}

// flipOf is the way from the old tree's file to the wiki's page that a move would make of it, or
// back; nil: there is none.
func (a *Admin) flipOf(row *postgres.Listed) *flip {
	if row == nil || row.Status != http.StatusOK {
		return nil
	}
	pattern, err := mapping.ParsePattern(row.Pattern)
	if err != nil || pattern.Prefix || len(pattern.Query) > 0 {
		return nil
	}
	from, err := mapping.ParseSource(row.Source)
	if err != nil {
		return nil
	}
	f := &flip{Row: row, Compared: a.o.Compare != nil, pair: Pair{Path: pattern.Path}}
	switch from.Kind {
	case mapping.SourceFile:
		name, ok := wiki.PageName(pattern.Path)
		if !ok {
			return nil
		}
		f.Kind, f.To = "wiki", "wiki:"+name
		f.pair.File, f.pair.Name = from.Ref, name
	case mapping.SourceWiki:
		file := row.Pattern
		if strings.HasSuffix(file, "/") && len(a.o.IndexNames) > 0 {
			file += a.o.IndexNames[0]
			if a.o.Check.Tree != nil {
				if entry := a.o.Check.Tree.Lookup(pattern.Path, false); entry.Index != "" {
					file = row.Pattern + entry.Index
				}
			}
		}
		f.Kind, f.To = "file", "file:"+file
		f.pair.File, f.pair.Name = file, from.Ref
	default:
		return nil
	}
	return f
}

// askedFlip is the flip that a request asks about: of a row, to a source that it may name.
func (a *Admin) askedFlip(r *http.Request) (*flip, error) {
	pattern, err := mapping.ParsePattern(a.o.Explain.Hosts.SitePath(strings.TrimSpace(r.FormValue("path"))))
	if err != nil {
		return nil, wrong(http.StatusBadRequest, "Which page? %s", plain(err))
	}
	row, err := a.o.DB.ListedPage(r.Context(), pattern.String())
	if err != nil {
		return nil, err
	}
	f := a.flipOf(&row)
	if f == nil {
		return nil, wrong(http.StatusNotFound, "%s is neither a file of the old tree nor a wiki's page, so it has no other source.", pattern)
	}
	if text := strings.TrimSpace(r.FormValue("source")); text != "" {
		source, err := mapping.ParseSource(text)
		switch {
		case err != nil:
			return nil, wrong(http.StatusUnprocessableEntity, "%s", plain(err))
		case f.Kind == "wiki" && source.Kind == mapping.SourceWiki:
			f.pair.Name = source.Ref
		case f.Kind == "file" && source.Kind == mapping.SourceFile:
			f.pair.File = source.Ref
		default:
			return nil, wrong(http.StatusUnprocessableEntity, "%s is no source to flip to: that begins with %s:.", text, f.Kind)
		}
		f.To = source.String()
	}
	return f, nil
}

// flipBody is what the page of a flip is fed with.
type flipBody struct {
	*flip
	Comparison *Comparison
	Why        string // there is no comparison
	Score      float64
	Words      int
	Lost       []lost
	Side       string // address of both side by side
}

// lost is what would not be there any more.
type lost struct {
	What string
	List []string
	More int // beyond the list
}

// lostShown is how many words, links and so on are listed.
const lostShown = 60

// planFlip shows what a flip would lose.
func (a *Admin) planFlip(w http.ResponseWriter, r *http.Request) error {
	f, err := a.askedFlip(r)
	if err != nil {
		return err
	}
	body := flipBody{flip: f, Why: "no wiki is set up here"}
	if f.Compared {
		ctx, cancel := context.WithTimeout(r.Context(), compareTime)
		defer cancel()
		if body.Comparison, err = a.o.Compare.Compare(ctx, f.pair); err != nil {
			body.Why = plain(err)
		}
	}
	if c := body.Comparison; c != nil {
		body.Score, body.Words = c.Score, c.Words
		body.Side = a.views.to("compare", "path", f.Row.Pattern, "source", f.To)
		add := func(what string, list []string) {
			if len(list) > 0 {
				n := min(len(list), lostShown)
				body.Lost = append(body.Lost, lost{what, list[:n], len(list) - n})
			}
		}
		if f.Kind == "file" { // then it is the wiki's page that loses
			body.Score, body.Words = 1, c.NewWords
			if c.NewWords > 0 {
				body.Score = float64(c.NewWords-len(c.WordsAdded)) / float64(c.NewWords)
			}
			add("Words", c.WordsAdded)
			add("Links", c.LinksAdded)
		} else {
			add("Words", c.WordsLost)
			add("Links", c.LinksLost)
			add("Images", c.ImagesLost)
			add("Headings", c.HeadingsLost)
			add("Places that links lead to", c.IDsLost)
		}
	}
	return a.page(w, r, "flip", "Flip "+f.Row.Pattern, body)
}

// sidePolicy is the Content-Security-Policy of the page that shows both sources: its styles are its own, and
// those of the old pages within its frames; nothing else is allowed at all.
const sidePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

// side shows both sources of a page side by side.
func (a *Admin) side(w http.ResponseWriter, r *http.Request) error {
	f, err := a.askedFlip(r)
	if err != nil {
		return err
	}
	if !f.Compared {
		return wrong(http.StatusNotFound, "Nothing is compared: no wiki is set up here.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), compareTime)
	defer cancel()
	text, err := a.o.Compare.SideBySide(ctx, f.pair)
	if err != nil {
		return wrong(http.StatusUnprocessableEntity, "The two cannot be compared: %s", plain(err))
	}
	w.Header().Set("Content-Security-Policy", sidePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text) // who asked may have gone
	return nil
}
