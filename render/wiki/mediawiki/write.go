// Writing pages.

package mediawiki

import (
	"context"
	"fmt"
	"strconv"

	"pagemap/render"
	"pagemap/render/wiki"
)

// Source implements wiki.Writer. Redirects are not followed: what would be written is what is read.
func (w *Wiki) Source(ctx context.Context, name string) ([]byte, string, error) {
	text, revision, err := w.source(ctx, name)
	if err != nil {
		return nil, "", fmt.Errorf("mediawiki: source of %q: %w", name, err)
	}
	return text, revision, nil
}

func (w *Wiki) source(ctx context.Context, name string) ([]byte, string, error) {
	t, err := Title(name)
	if err != nil {
		return nil, "", err
	}
	var answer struct {
		Query struct {
			Pages []struct {
				Revisions []struct {
					ID    int64 `json:"revid"`
					Slots struct {
						Main struct {
							Content string `json:"content"`
						} `json:"main"`
					} `json:"slots"`
				} `json:"revisions"`
			} `json:"pages"`
		} `json:"query"`
	}
	err = w.query(ctx, values("action", "query", "titles", t, "prop", "revisions", "rvprop", "ids|content", "rvslots", "main"), &answer)
	if err != nil {
		return nil, "", err
	}
	if pages := answer.Query.Pages; len(pages) == 1 && len(pages[0].Revisions) == 1 {
		r := pages[0].Revisions[0]
		return []byte(r.Slots.Main.Content), strconv.FormatInt(r.ID, 10), nil
	}
	return nil, "", render.ErrNotFound
}

// Write implements wiki.Writer.
func (w *Wiki) Write(ctx context.Context, name string, text []byte, note, revision string) (string, error) {
	next, err := w.write(ctx, name, text, note, revision)
	if failed(err, "editconflict", "articleexists", "missingtitle", "pagedeleted", "nosuchrevid", "badinteger") {
		err = fmt.Errorf("%w: %s", wiki.ErrConflict, err.Error())
	}
	if err != nil {
		return "", fmt.Errorf("mediawiki: write %q: %w", name, err)
	}
	return next, nil
}

func (w *Wiki) write(ctx context.Context, name string, text []byte, note, revision string) (string, error) {
	t, err := Title(name)
	if err != nil {
		return "", err
	}
	p := values("action", "edit", "title", t, "text", string(text), "summary", note, "maxlag", "5")
	if revision == "" {
		p.Set("createonly", "1")
	} else {
		// Where the edits differ in other paragraphs the wiki would merge them.
		if _, present, err := w.source(ctx, name); err != nil || present != revision {
			return "", fmt.Errorf("it has revision %q: %w", present, wiki.ErrConflict)
		}
		p.Set("nocreate", "1")
		p.Set("baserevid", revision)
	}
	var answer struct {
		Edit struct {
			Result string `json:"result"`
			New    int64  `json:"newrevid"`
			Same   bool   `json:"nochange"`
		} `json:"edit"`
	}
	for _, fresh := range []bool{false, true} {
		token, err := w.csrf(ctx, fresh)
		if err != nil {
			return "", err
		}
		p.Set("token", token)
		if err = w.asUser(ctx, p, true, &answer); err == nil {
			break
		}
		if !failed(err, "badtoken") || fresh {
			return "", err
		}
	}
	switch {
	case answer.Edit.Result != "Success": // such as one that wants people to solve a riddle
		return "", fmt.Errorf("the wiki answers %q: %w", answer.Edit.Result, render.ErrUnavailable)
	case answer.Edit.Same:
		return revision, nil
	}
	return strconv.FormatInt(answer.Edit.New, 10), nil
}
