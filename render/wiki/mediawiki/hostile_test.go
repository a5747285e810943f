package mediawiki

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"pagemap/render"
)

// TestHostile: what is no answer of the API leaves no page, no memory and no doubt about what was wrong.
func TestHostile(t *testing.T) {
	big := strings.Repeat("x", 50<<20)
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		words  string
	}{
		{"HTML", say(200, "text/html", "<!DOCTYPE html><title>Welcome</title>"), "not the API's JSON"},
		{"nothing", say(200, "application/json", ""), "not the API's JSON"},
		{"not found", say(404, "text/html", "<h1>Not found</h1>"), "status 404"},
		{"server error", say(500, "text/html", "oops"), "status 500"},
		{"server error in JSON", say(503, "application/json", "{}"), "status 503"},
		{"a list", say(200, "application/json", "[]"), "JSON"},
		{"another shape", say(200, "application/json", `{"query":"no"}`), "cannot unmarshal"},
		{"truncated", say(200, "application/json", `{"query":{"pages":[`), "JSON"},
		{"deeply nested", say(200, "application/json", strings.Repeat("[", 1<<20)), "JSON"},
		{"50 MB of JSON", say(200, "application/json", `{"query":{"pages":[{"title":"`+big+`"}]}}`), "too large"},
		{"an error of 2 MB", say(200, "application/json", `{"error":{"code":"x","info":"`+big[:2<<20]+`"}}`), "too large"},
		{"an error", say(200, "application/json", `{"error":{"code":"internal_api_error_DBQueryError","info":"oops"}}`), "DBQueryError"},
		{"too much lag", say(200, "application/json", `{"error":{"code":"maxlag","info":"Waiting for 10.0.0.1: 12 seconds lagged"}}`), "lagged"},
		{"too many", say(429, "text/plain", "Too many requests"), "status 429"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/", http.StatusFound)
		}, "login.example"},
		{"another API", say(200, "application/json", `{"batchcomplete":true}`), ""},
		{"wrong page", say(200, "application/json", `{"query":{"pages":[{"title":"Page","missing":true},{"title":"Other","lastrevid":5}]},"parse":{"revid":5}}`), ""},
		{"silence", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "too slow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(tt.answer))
			defer s.Close()
			api, err := url.Parse(s.URL + "/api.php")
			if err != nil {
				t.Fatal(err)
			}
			w, err := New(Options{API: api, Timeout: 2 * time.Second, MaxBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begin := time.Now()
			if page, err := w.Open(t.Context(), "Page"); err == nil || !strings.Contains(err.Error(), tt.words) || len(err.Error()) > 2000 {
				t.Errorf("Open: %v, %v; want %q", page, err, tt.words)
			}
			if tt.words != "" {
				_, err := w.Stat(t.Context(), "Page")
				if !errors.Is(err, render.ErrUnavailable) || errors.Is(err, render.ErrNotFound) {
					t.Errorf("Stat: %v, want ErrUnavailable", err)
				}
				if _, _, err := w.Changes(t.Context(), time.Now().Format(time.RFC3339)); !errors.Is(err, render.ErrUnavailable) {
					t.Errorf("Changes: %v, want ErrUnavailable", err)
				}
				for _, err := range w.List(t.Context()) {
					if !errors.Is(err, render.ErrUnavailable) {
						t.Errorf("List: %v, want ErrUnavailable", err)
					}
				}
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
				t.Errorf("%d bytes are held", grown)
			}
		})
	}
}

func say(status int, contentType, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}
