// Errors, and what a user is told of them.

package admin

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// said is an error that the user is told of in these words.
type said struct {
	status int
	text   string
}

func (s *said) Error() string { return s.text }

// wrong is an error of what the user asked for.
func wrong(status int, format string, args ...any) error {
	return &said{status, fmt.Sprintf(format, args...)}
}

var (
	errNotHere = wrong(http.StatusNotFound, "There is no such page here.")
	errMethod  = wrong(http.StatusMethodNotAllowed, "This address does not take that kind of request.")
	errForeign = wrong(http.StatusForbidden, "This request came from another site, or from a page that has lost its origin. Nothing was done.")
	errRole    = wrong(http.StatusForbidden, "This is for editors. You may read everything here.")
)

// told is what a user is told of an error, and with which status. An error of the
// program is told by nothing but its status.
func told(err error) (status int, text string) {
	var s *said
	switch {
	case errors.As(err, &s):
		return s.status, s.text
	case errors.Is(err, postgres.ErrNoPage):
		return http.StatusNotFound, "There is no such row any more."
	case errors.Is(err, postgres.ErrNoChangeSet):
		return http.StatusNotFound, "There is no change-set of this number."
	case errors.Is(err, postgres.ErrNoPlan):
		return http.StatusNotFound, "There is no such plan. Plans are kept for a day."
	case errors.Is(err, postgres.ErrPlanTurned):
		return http.StatusConflict, "Somebody has carried this plan out already, or is doing so."
	case errors.Is(err, postgres.ErrSlowSearch):
		return http.StatusBadRequest, "This search takes too long. Give three characters or more that stand beside each other, or a path that the rows are under."
	case errors.Is(err, postgres.ErrBadExpression):
		return http.StatusBadRequest, "The regular expression is wrong: " + plain(err)
	case errors.Is(err, mapping.ErrBadRow), errors.Is(err, mapping.ErrBadPath), errors.Is(err, mapping.ErrPathTooLong), errors.Is(err, postgres.ErrLoop):
		return http.StatusUnprocessableEntity, plain(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, "The database did not answer in time. Nothing was changed unless the list of changes says so."
	}
	return http.StatusInternalServerError, "Something went wrong here. It has been noted. Nothing was changed unless the list of changes says so."
}

// plain is an error's text without the names of packages.
func plain(err error) string {
	text := err.Error()
	for _, name := range []string{"postgres: write: ", "postgres: rewrite: ", "postgres: import: ", "postgres: list: ", "postgres: ", "mapping: ", "exchange: "} {
		text = strings.ReplaceAll(text, name, "")
	}
	return text
}

// fail answers an error with a page that says what to do.
func (a *Admin) fail(w http.ResponseWriter, r *http.Request, user User, err error) {
	status, text := told(err)
	if status >= 500 {
		a.o.Logger.Error("admin page failed", "path", r.URL.Path, "user", user.Name, "error", err)
	}
	r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
	if drawn := a.draw(w, r, status, "error", http.StatusText(status), text); drawn != nil {
		a.o.Logger.Error("admin page failed", "path", r.URL.Path, "error", drawn)
		http.Error(w, http.StatusText(status), status)
	}
}

// refuse answers somebody who is not let in, and shows nothing.
func (a *Admin) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusForbidden, "You are not let in here.\n"
	var s *said
	if errors.As(err, &s) {
		status, text = s.status, s.text+"\n"
	}
	a.o.Logger.Warn("admin page: not let in", "path", r.URL.Path, "from", r.RemoteAddr, "error", err)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who asked may have gone
}

// ofAnotherSite answers a request for a page that another site led to. It may be a
// link that somebody has followed, so that it can be followed from here.
func (a *Admin) ofAnotherSite(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	if r.Header.Get("Sec-Fetch-Dest") != "document" {
		return
	}
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"en\"><title>From another site</title><p>Another site has led you here. <a href=\"%s\">Go on</a> if that is what you wanted.</p></html>\n",
		html.EscapeString(r.URL.RequestURI()))
}
