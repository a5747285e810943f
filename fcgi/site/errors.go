// Errors and what a client is told of them.

package site

import (
	"bytes"
	"context"
	"errors"
	"html"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"pagemap/mapping"
	"pagemap/render"
)

// statuses is the table from errors to HTTP status, tested in this order; any
// other error is 500.
var statuses = []struct {
	err    error
	status int
}{
	{render.ErrNotFound, http.StatusNotFound},
	{mapping.ErrBadPath, http.StatusBadRequest},
	{mapping.ErrPathTooLong, http.StatusRequestURITooLong},
	{errMethod, http.StatusMethodNotAllowed},
	{errPrecondition, http.StatusPreconditionFailed},
	{errRange, http.StatusRequestedRangeNotSatisfiable},
	{errForbidden, http.StatusForbidden},
	{render.ErrUnavailable, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
}

// statusOf is the status that an error is answered with.
func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// fail logs what a maintainer must know and makes the answer to an error: its page.
func (s *Site) fail(ctx context.Context, q *request, to *answer, err error) {
	to.clear()
	status := statusOf(err)
	control := noStore
	switch {
	case status == http.StatusNotFound:
		control = s.control(q, s.caching.notFound)
	case status == http.StatusMethodNotAllowed:
		to.set("Allow", allow)
	case status == http.StatusServiceUnavailable:
		to.set("Retry-After", strconv.Itoa(int(s.o.RetryAfter.Seconds())))
		level := slog.LevelWarn
		if errors.Is(err, context.Canceled) { // the reader has gone
			level = slog.LevelDebug
		}
		s.o.Logger.Log(ctx, level, "page unavailable", "target", q.target, "err", err)
	case status == http.StatusInternalServerError:
		s.o.Logger.Error("page failed", "target", q.target, "err", err)
	}
	to.html(status, s.errors.pages[status], control)
}

// ErrorPage is what the template of error pages is fed with.
type ErrorPage struct {
	Status int    // 404
	Title  string // "Not Found"
	Text   string // a sentence for readers
	Link   string // of a 410, the suggested URL: for text and attributes; else ""
}

// plainPage is the error page of a site that has none of its own.
const plainPage = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Status}} {{.Title}}</title>
<style>body{font:1em/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em;color:#222}</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Link}}<p>Instead, see <a href="{{.}}">{{.}}</a>.</p>
{{end}}</body>
</html>
`

// texts says for readers what each error means.
var texts = map[int]string{
	http.StatusBadRequest:                   "The address cannot be understood.",
	http.StatusForbidden:                    "This file is not for everybody.",
	http.StatusNotFound:                     "There is no page at this address.",
	http.StatusMethodNotAllowed:             "This page can only be read.",
	http.StatusGone:                         "The page that was here has been removed.",
	http.StatusPreconditionFailed:           "The page has changed.",
	http.StatusRequestTimeout:               "The request took too long to arrive.",
	http.StatusRequestEntityTooLarge:        "The request is too large.",
	http.StatusRequestHeaderFieldsTooLarge:  "The request is too large.",
	http.StatusRequestURITooLong:            "The address is too long.",
	http.StatusRequestedRangeNotSatisfiable: "The page does not have the part asked for.",
	http.StatusInternalServerError:          "Something went wrong here. It has been noted.",
	http.StatusServiceUnavailable:           "The page is not available just now. Please try again in a moment.",
}

// errorPages are the bodies of errors, drawn once: none can fail later.
type errorPages struct {
	pages     map[int][]byte
	suggested []string // the page of 410 with a link, cut where the link stands
}

// linkMark stands for the link while a page is prepared. Letters alone come
// through the template's escaping unchanged.
const linkMark = "pagemapSuggestedLink"

func newErrorPages(text string) (errorPages, error) {
	if text == "" {
		text = plainPage
	}
	t, err := template.New("error").Parse(text)
	if err != nil {
		return errorPages{}, err
	}
	e := errorPages{pages: make(map[int][]byte, len(texts))}
	draw := func(status int, link string) ([]byte, error) {
		var b bytes.Buffer
		err := t.Execute(&b, ErrorPage{Status: status, Title: http.StatusText(status), Text: texts[status], Link: link})
		return b.Bytes(), err
	}
	for status := range texts {
		if e.pages[status], err = draw(status, ""); err != nil {
			return e, err
		}
	}
	gone, err := draw(http.StatusGone, linkMark)
	e.suggested = strings.Split(string(gone), linkMark)
	return e, err
}

// ErrorPages are the HTML bodies of errors by status, for answers that a server
// gives before the site is asked.
func (s *Site) ErrorPages() map[int][]byte { return maps.Clone(s.errors.pages) }

// gone is the page of 410, with a suggestion unless that is "".
func (e *errorPages) gone(suggest string) []byte {
	if suggest == "" {
		return e.pages[http.StatusGone]
	}
	return []byte(strings.Join(e.suggested, html.EscapeString(suggest)))
}

// redirect makes the answer that sends a client to location, with the short note
// of RFC 9110, 15.4.
func (s *Site) redirect(to *answer, status int, location, control string) {
	const head = "<!DOCTYPE html>\n<html lang=\"en\"><title>Moved</title><p>The page is <a href=\""
	const tail = "\">here</a>.</p></html>\n"
	link := html.EscapeString(location)
	body := make([]byte, 0, len(head)+len(link)+len(tail))
	body = append(append(append(body, head...), link...), tail...)
	to.set("Location", location)
	to.html(status, body, control)
}

// html makes an answer with a page of HTML that is not the site's.
func (a *answer) html(status int, body []byte, control string) {
	a.status, a.body = status, body
	a.set("Cache-Control", control)
	a.set("Content-Type", "text/html; charset=utf-8")
}
