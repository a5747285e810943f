// Requests to the API, and what it answers.

package mediawiki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"pagemap/render"
	"pagemap/render/wiki/fetch"
)

// Failure is an error that the API tells.
type Failure struct {
	Code string // such as "missingtitle"
	Info string // for people
}

func (f *Failure) Error() string { return fmt.Sprintf("the wiki says %.100q: %.500s", f.Code, f.Info) }

// Unwrap is what the code means to those who asked for a page.
func (f *Failure) Unwrap() error {
	switch f.Code {
	case "missingtitle", "invalidtitle", "pagecannotexist":
		return render.ErrNotFound
	}
	return render.ErrUnavailable
}

// failed reports that an error is a Failure of one of these codes.
func failed(err error, codes ...string) bool {
	var f *Failure
	if !errors.As(err, &f) {
		return false
	}
	for _, code := range codes {
		if f.Code == code {
			return true
		}
	}
	return false
}

// longest is the length of a query up to which a request is a GET.
const longest = 2000

// query asks for something to be read, as the user if there is one, and decodes the answer into v.
func (w *Wiki) query(ctx context.Context, p url.Values, v any) error {
	return w.asUser(ctx, p, len(p.Encode()) > longest, v)
}

// asUser makes a request in the user's session, which is begun where it is needed.
func (w *Wiki) asUser(ctx context.Context, p url.Values, post bool, v any) error {
	if w.o.User == "" {
		return w.call(ctx, p, post, v)
	}
	p.Set("assert", "user")
	number := w.login.current()
	err := w.call(ctx, p, post, v)
	if !failed(err, "assertuserfailed", "readapidenied") {
		return err
	}
	if err := w.logIn(ctx, number); err != nil {
		return err
	}
	return w.call(ctx, p, post, v)
}

// call makes one request.
func (w *Wiki) call(ctx context.Context, p url.Values, post bool, v any) error {
	p.Set("format", "json")
	p.Set("formatversion", "2")
	var answer *fetch.Answer
	var err error
	if post {
		answer, err = w.client.Post(ctx, w.o.API, p)
	} else {
		u := *w.o.API
		u.RawQuery = p.Encode()
		answer, err = w.client.Get(ctx, &u, fetch.Validators{})
	}
	if err != nil {
		return err
	}
	var failure struct {
		Error *Failure `json:"error"`
	}
	if err := json.Unmarshal(answer.Body, &failure); err != nil {
		return fmt.Errorf("%s: status %d, %q, which is not the API's JSON (%w): %w",
			w.o.API.Redacted(), answer.Status, answer.Header.Get("Content-Type"), err, render.ErrUnavailable)
	}
	if failure.Error != nil {
		return failure.Error
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %w", w.o.API.Redacted(), answer.Status, render.ErrUnavailable)
	}
	if err := json.Unmarshal(answer.Body, v); err != nil {
		return fmt.Errorf("%s: %w: %w", w.o.API.Redacted(), err, render.ErrUnavailable)
	}
	return nil
}

// values makes parameters from names and values in turn.
func values(pairs ...string) url.Values {
	p := make(url.Values, len(pairs)/2+3)
	for i := 0; i < len(pairs); i += 2 {
		p.Set(pairs[i], pairs[i+1])
	}
	return p
}

// continued is the part of an answer that tells how to ask for more.
type continued struct {
	Continue map[string]scalar `json:"continue"`
}

// next puts into p what asks for more; false: there is no more.
func (c continued) next(p url.Values) bool {
	for k, v := range c.Continue {
		p.Set(k, string(v))
	}
	return len(c.Continue) > 0
}

// scalar is a string or a number.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(s))
	}
	*s = scalar(b)
	return nil
}

// all joins titles as the API takes them.
func all(titles []string) string { return strings.Join(titles, "|") }
