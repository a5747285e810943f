package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// concrete is an address that a route's pattern matches.
func concrete(pattern string) string {
	return strings.NewReplacer("{$}", "", "{id}", "1", "{name}", "admin.css").Replace(pattern)
}

// What the site knows, and nobody may see who is not let in.
const known = "/secret-launch.html"

// Every route of the multiplexer, by everybody who has no business there.
func TestEveryRouteIsShut(t *testing.T) {
	w := newWorld(t, map[string]string{"index.html": "home"}, known+" 301 /")
	before, _, err := w.db.LastNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	intruders := []struct {
		name   string
		env    map[string]string
		header []string
		posts  bool // it is let in to look
	}{
		{name: "nobody"},
		{name: "a user of another protected area", env: env("REMOTE_USER", "maria")},
		{name: "a wrong secret", env: env("REMOTE_USER", "maria", SecretName, secret+"x")},
		{name: "an empty secret", env: env("REMOTE_USER", "maria", SecretName, "")},
		{name: "the secret without a user", env: env(SecretName, secret)},
		{name: "a header of that name", header: []string{"Remote-User", "maria", "Pagemap-Admin-Secret", secret}},
		{name: "a user without a role", env: env("REMOTE_USER", "otto", SecretName, secret)},
		{name: "another site's page, by fetch metadata", env: env("REMOTE_USER", "maria", SecretName, secret), header: []string{"Sec-Fetch-Site", "cross-site"}},
		{name: "a sister site's page", env: env("REMOTE_USER", "maria", SecretName, secret), header: []string{"Sec-Fetch-Site", "same-site"}},
		{name: "another site's page, by its origin", env: env("REMOTE_USER", "maria", SecretName, secret), header: []string{"Origin", "https://evil.example"}, posts: true},
		{name: "a page without an origin", env: env("REMOTE_USER", "maria", SecretName, secret), header: []string{"Origin", "null"}, posts: true},
		{name: "a reader who writes", env: env("REMOTE_USER", "nora", SecretName, secret), header: []string{"Origin", "https://www.example.org"}, posts: true},
	}
	form := url.Values{
		"path": {known}, "seen": {"0"}, "status": {"410"}, "do": {"remove"}, "op": {"remove"}, "filter": {""}, "all": {"gone"}, "gone": {known},
		"text": {"path,status,source\n/x,410,\n"}, "format": {"csv"}, "pattern": {"*.php"}, "hash": {"x"},
	}
	for _, in := range intruders {
		t.Run(in.name, func(t *testing.T) {
			for _, route := range w.admin.Routes() {
				if in.posts && route.Method != http.MethodPost {
					continue
				}
				path := concrete(route.Pattern) + "?q=" + url.QueryEscape(known)
				var body url.Values
				if route.Method == http.MethodPost {
					body = form
				}
				r := httptest.NewRequest(route.Method, "https://www.example.org"+DefaultPath+path, strings.NewReader(body.Encode()))
				r.RequestURI = DefaultPath + path
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r = r.WithContext(context.WithValue(r.Context(), envKey{}, in.env))
				a := w.send("", r, in.header...)
				if a.status != http.StatusForbidden {
					t.Errorf("%s %s: %d", route.Method, route.Pattern, a.status)
				}
				if strings.Contains(a.body, known) || in.env["REMOTE_USER"] != "nora" && strings.Contains(a.body, "<nav") {
					t.Errorf("%s %s shows: %s", route.Method, route.Pattern, a.body)
				}
				harmless(t, route.Method+" "+route.Pattern, a)
			}
		})
	}
	if now, _, err := w.db.LastNumber(t.Context()); err != nil || now != before {
		t.Errorf("the table has changed: %d, was %d (%v)", now, before, err)
	}
}

// harmless fails unless an answer has the headers that every one has.
func harmless(t *testing.T, what string, a *answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Content-Security-Policy": policy,
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	if a.header.Get("Content-Type") == "" && a.body != "" {
		t.Errorf("%s: no Content-Type", what)
	}
}

// Every route, by those who may: headers, methods, and that GET changes nothing.
func TestEveryRoute(t *testing.T) {
	w := newWorld(t, map[string]string{"index.html": "home"}, "/a 301 /")
	changes := map[string]bool{}
	for _, route := range w.admin.Routes() {
		if route.Method == http.MethodPost {
			if route.Role != Editor {
				t.Errorf("POST %s is for readers", route.Pattern)
			}
			changes[route.Pattern] = true
			continue
		}
		before, _, _ := w.db.LastNumber(t.Context())
		for _, user := range []string{"nora", "maria"} {
			a := w.ask(user, "GET", concrete(route.Pattern), nil)
			want := []int{200, 404, 400} // of what is not there, or not said
			if user == "nora" && route.Role == Editor {
				want = []int{403}
			}
			ok := false
			for _, s := range want {
				ok = ok || a.status == s
			}
			if !ok {
				t.Errorf("GET %s by %s: %d", route.Pattern, user, a.status)
			}
			harmless(t, "GET "+route.Pattern, a)
			if head := w.ask(user, "HEAD", concrete(route.Pattern), nil); head.status != a.status {
				t.Errorf("HEAD %s by %s: %d, GET %d", route.Pattern, user, head.status, a.status)
			}
		}
		if now, _, _ := w.db.LastNumber(t.Context()); now != before {
			t.Errorf("GET %s has changed the table", route.Pattern)
		}
	}
	for _, route := range w.admin.Routes() {
		if route.Method == http.MethodGet && !changes[route.Pattern] {
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"} {
				if a := w.ask("maria", method, concrete(route.Pattern), nil, "Origin", "https://www.example.org"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
					t.Errorf("%s %s: %d, Allow %q", method, route.Pattern, a.status, a.header.Get("Allow"))
				}
			}
		}
	}
}

func TestOwns(t *testing.T) {
	w := newWorld(t, nil)
	for target, want := range map[string]bool{
		"/pagemap-admin": true, "/pagemap-admin/": true, "/pagemap-admin?x": true, "/pagemap-admin/pages?q=/": true, "//pagemap-admin/": true,
		"/%70agemap-admin/": true, "/x/../pagemap-admin/": true, "/./pagemap-admin/": true, "http://h/pagemap-admin/": true,
		"/pagemap-admin/../x": false, "/pagemap-adminx": false, "/pagemap-adminx/": false, "/": false, "/x/pagemap-admin/": false, "/Pagemap-Admin/": false,
	} {
		if got := w.admin.Owns(target); got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
	for target, want := range map[string]int{"//pagemap-admin/": 404, "/%70agemap-admin/pages": 200, "/pagemap-admin": 303, "/pagemap-admin/x/../pages": 404} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = target
		if a := w.send("maria", r); a.status != want {
			t.Errorf("%s: %d, want %d", target, a.status, want)
		}
	}
}

func TestLocal(t *testing.T) {
	w := newWorld(t, map[string]string{"index.html": "home"})
	now := time.Now()
	gate, key := NewLocal("maria", []string{"127.0.0.1:8080"}, func() time.Time { return now })
	o := w.o
	o.Gate = gate
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	get := func(host, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "http://"+host+path, nil)
		r.RequestURI = path
		for _, c := range cookies {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, r)
		return rec
	}
	if got := get("127.0.0.1:8080", DefaultPath); got.Code != 403 {
		t.Errorf("without a session: %d", got.Code)
	}
	if got := get("127.0.0.1:8080", DefaultPath+"enter?key=wrong"); got.Code != 403 || len(got.Result().Cookies()) > 0 {
		t.Errorf("with a wrong key: %d", got.Code)
	}
	if got := get("evil.example", DefaultPath+"enter?key="+key); got.Code != http.StatusMisdirectedRequest || len(got.Result().Cookies()) > 0 {
		t.Errorf("by another name: %d", got.Code)
	}
	entered := get("127.0.0.1:8080", DefaultPath+"enter?key="+key)
	if entered.Code != 303 || len(entered.Result().Cookies()) != 1 {
		t.Fatalf("with the key: %d %v", entered.Code, entered.Header())
	}
	c := entered.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != DefaultPath || c.MaxAge <= 0 {
		t.Errorf("cookie %v", c)
	}
	if got := get("127.0.0.1:8080", DefaultPath, c); got.Code != 200 {
		t.Errorf("with the session: %d", got.Code)
	}
	if got := get("evil.example", DefaultPath, c); got.Code != http.StatusMisdirectedRequest {
		t.Errorf("with the session, by another name: %d", got.Code)
	}
	if got := get("127.0.0.1:8080", DefaultPath+"enter?key="+key); got.Code != 403 {
		t.Errorf("the second time: %d", got.Code)
	}
	now = now.Add(sessionLife + time.Second)
	if got := get("127.0.0.1:8080", DefaultPath, c); got.Code != 403 {
		t.Errorf("after its life: %d", got.Code)
	}
	_, key = NewLocal("x", nil, time.Now)
	if len(key) < 26 {
		t.Errorf("key %q", key)
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/", "x/", "/x", "/a//b/", "/a b/", "/../", `/"/`, "/é/"} {
		o := w.o
		o.Path = path
		if _, err := New(o); err == nil {
			t.Errorf("path %q: no error", path)
		}
	}
}
