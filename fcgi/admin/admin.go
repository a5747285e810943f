// Admin: the handler, and what holds for every request.

package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/postgres"
)

// DefaultPath is where the admin page usually is.
const DefaultPath = "/pagemap-admin/"

// Options of New.
type Options struct {
	Path    string // of the admin page, all below it included; "": DefaultPath
	Gate    Gate
	DB      *postgres.DB
	Explain *explain.Explainer
	Check   check.Options // as pagemapctl check has them; Table is taken from Explain

	IndexNames []string // names that a directory's URL stands for
	Site       string   // the site's public URL, for people to recognise; "": none
	// Await returns once this process's table has the change of this number, or
	// not within a moment; nil: it does not wait.
	Await   func(ctx context.Context, number int64)
	Compare Comparer // nil: content of files and of the wiki is not compared
	Now     func() time.Time
	Logger  *slog.Logger
}

// Admin is the handler of the admin page. It is safe for concurrent use.
type Admin struct {
	o       Options
	bare    string // Path without its last slash
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
	views   *views
	near    near
	moved   moved
	groups  missGrouping

	jobs sync.WaitGroup
	ctx  context.Context // of jobs
	stop context.CancelFunc
}

// New returns a ready handler. Close it.
func New(o Options) (*Admin, error) {
	if o.Path == "" {
		o.Path = DefaultPath
	}
	key, err := mapping.ParsePath(o.Path)
	if err != nil || string(key) != o.Path || !strings.HasSuffix(o.Path, "/") || o.Path == "/" || strings.ContainsFunc(o.Path, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/-_", r))
	}) {
		return nil, fmt.Errorf("admin: path %q: want letters, digits, - and _ between slashes, such as %s", o.Path, DefaultPath)
	}
	if o.Gate == nil || o.DB == nil || o.Explain == nil {
		return nil, errors.New("admin: Options.Gate, DB and Explain are needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Admin{o: o, bare: strings.TrimSuffix(o.Path, "/"), mux: http.NewServeMux(), origins: http.NewCrossOriginProtection()}
	a.ctx, a.stop = context.WithCancel(context.Background())
	a.near.a, a.moved.a, a.groups.a = a, a, a
	if a.views, err = newViews(o.Path, o.Now); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	for _, r := range a.Routes() {
		a.mux.Handle(r.Method+" "+o.Path+r.Pattern, a.adapt(r))
	}
	return a, nil
}

// Close ends what goes on in the background.
func (a *Admin) Close() {
	a.stop()
	a.jobs.Wait()
}

// Owns reports whether a request's raw target, in whatever spelling, belongs to the
// admin page.
func (a *Admin) Owns(target string) bool {
	if !strings.HasPrefix(target, a.bare) {
		// In its own spelling it cannot be ours.
		if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") && !strings.Contains(target, "%") && !strings.Contains(target, "/.") {
			return false
		}
	}
	t, err := mapping.ParseTarget(target)
	return err == nil && (string(t.Path) == a.bare || strings.HasPrefix(string(t.Path), a.o.Path))
}

// policy is the Content-Security-Policy. The preview is a frame of the site itself,
// sandboxed by the element.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// ServeHTTP answers a request for which Owns is true.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make the Origin of forms null
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")

	if door, ok := a.o.Gate.(interface {
		Enter(w http.ResponseWriter, r *http.Request, home string) bool
	}); ok && r.URL.Path == a.o.Path+"enter" && door.Enter(w, r, a.o.Path) {
		return
	}
	user, err := a.o.Gate.Who(r)
	if err == nil && user.Role == NoRole {
		err = errNoRole
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	if err := a.origins.Check(r); err != nil {
		a.refuse(w, r, errForeign)
		return
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		a.ofAnotherSite(w, r)
		return
	}
	t, err := mapping.ParseTarget(r.RequestURI)
	if err != nil || !t.Clean {
		a.fail(w, r, user, errNotHere)
		return
	}
	if string(t.Path) == a.bare && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		http.Redirect(w, r, a.o.Path, http.StatusSeeOther)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
	r.URL = &url.URL{Path: string(t.Path), RawQuery: t.Query}
	handler, pattern := a.mux.Handler(r)
	if pattern == "" {
		var rec statusOnly
		handler.ServeHTTP(&rec, r)
		err := errNotHere
		if rec.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", rec.Header().Get("Allow"))
			err = errMethod
		}
		a.fail(w, r, user, err)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// statusOnly keeps what the multiplexer says of a request that has no route.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }

type userKey struct{}

// userOf is who asks.
func userOf(r *http.Request) User {
	u, _ := r.Context().Value(userKey{}).(User)
	return u
}

// adapt makes a handler of a route: the role, the form, and the answer to an error.
func (a *Admin) adapt(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := userOf(r)
		err := a.read(w, r, route)
		if err == nil {
			err = route.serve(a, w, r)
		}
		if err != nil {
			a.fail(w, r, user, err)
		}
	})
}

// MaxForm is how many bytes a form may have, its file included.
const MaxForm = 32 << 20

// read checks the role and reads the form.
func (a *Admin) read(w http.ResponseWriter, r *http.Request, route Route) error {
	if userOf(r).Role < route.Role {
		return errRole
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(8 << 20)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return wrong(http.StatusBadRequest, "The form could not be read: %v.", err)
	}
	for _, values := range r.Form {
		for i, v := range values {
			if strings.ContainsRune(v, 0) {
				return wrong(http.StatusBadRequest, "A field holds a NUL character, which no text of the table can hold.")
			}
			values[i] = strings.ToValidUTF8(v, "\uFFFD")
		}
	}
	return nil
}

// page draws a page of the admin page.
func (a *Admin) page(w http.ResponseWriter, r *http.Request, name, title string, body any) error {
	return a.draw(w, r, http.StatusOK, name, title, body)
}

func (a *Admin) draw(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) error {
	var b bytes.Buffer
	err := a.views.draw(&b, name, frame{
		Title: title, Page: name, User: userOf(r), Site: a.o.Site, Editor: userOf(r).Role >= Editor, Body: body,
		Done: a.wasDone(w, r),
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who asked may have gone
	return nil
}

// doneCookie tells the page after a POST what that did. In a link's query, anybody could have it say anything.
const doneCookie = "pagemap-done"

// done sends the browser to a page that says what was done.
func (a *Admin) done(w http.ResponseWriter, r *http.Request, to, what string) error {
	a.setDone(w, r, url.QueryEscape(what), 60)
	return a.see(w, r, to)
}

// wasDone is what the page is to say of the POST before it, once.
func (a *Admin) wasDone(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(doneCookie)
	if err != nil {
		return ""
	}
	a.setDone(w, r, "", -1)
	what, _ := url.QueryUnescape(c.Value) // else it is not ours, and ""
	return what
}

func (a *Admin) setDone(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: doneCookie, Value: value, Path: a.o.Path, MaxAge: seconds, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

// see sends the browser to a page of the admin page after a POST.
func (a *Admin) see(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
