// Ask: what a URL answers, and why.

package admin

import (
	"net/http"
	"strings"

	"pagemap/fcgi/explain"
	"pagemap/mapping"
)

// askBody is what the page Ask is fed with.
type askBody struct {
	URL     string
	Asked   bool
	Answer  explain.Explanation
	Near    suggested
	Preview string
}

func (a *Admin) ask(w http.ResponseWriter, r *http.Request) error {
	body := askBody{URL: strings.TrimSpace(r.FormValue("url"))}
	if body.URL == "" {
		return a.page(w, r, "ask", "Ask", body)
	}
	body.Asked = true
	var err error
	if body.Answer, err = a.o.Explain.Explain(r.Context(), body.URL, 0); err != nil {
		return err
	}
	switch {
	case body.Answer.Status == http.StatusNotFound && body.Answer.Key != "":
		list, err := a.near.of(r.Context(), []mapping.Path{mapping.Path(body.Answer.Key)})
		if err != nil {
			return err
		}
		body.Near = list[0]
	case body.Answer.Status == http.StatusOK:
		body.Preview = body.Answer.Key
	}
	return a.page(w, r, "ask", "Ask", body)
}
