package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/render"
)

// start starts a site and returns a client of it, and the site's URL.
func start(t *testing.T, o Options, h http.HandlerFunc) (*Client, *url.URL) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return client(t, o, s.URL), parse(t, s.URL)
}

func client(t *testing.T, o Options, site string) *Client {
	t.Helper()
	o.Site = parse(t, site)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// endless writes until the client goes away.
func endless(w http.ResponseWriter, r *http.Request, piece []byte, pause time.Duration) {
	for r.Context().Err() == nil {
		if _, err := w.Write(piece); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		time.Sleep(pause)
	}
}

// TestHostile: whatever a site does, the client comes back in time, with an error that says why.
func TestHostile(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 20 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    error // besides render.ErrUnavailable
		words   string
	}{
		{"50 MB", func(w http.ResponseWriter, r *http.Request) {
			piece := make([]byte, 1<<20)
			for range 50 {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}, ErrTooLarge, ""},
		{"50 MB announced", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "50000000")
			w.WriteHeader(200)
		}, ErrTooLarge, ""},
		{"endless", func(w http.ResponseWriter, r *http.Request) { endless(w, r, make([]byte, 1<<20), 0) }, ErrTooLarge, ""},
		{"gzip bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, ErrTooLarge, ""},
		{"no gzip", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "not compressed at all")
		}, nil, "gzip"},
		{"slow drip", func(w http.ResponseWriter, r *http.Request) { endless(w, r, []byte("x"), 5*time.Millisecond) }, ErrSlow, ""},
		{"steady, but without end", func(w http.ResponseWriter, r *http.Request) {
			endless(w, r, make([]byte, 100), 10*time.Millisecond)
		}, ErrSlow, ""},
		{"no answer", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrSlow, ""},
		{"no body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, ErrSlow, ""},
		{"truncated", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "the beginning")
		}, io.ErrUnexpectedEOF, ""},
		{"huge headers", func(w http.ResponseWriter, r *http.Request) {
			for i := range 100 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 10_000))
			}
		}, nil, "header"},
		{"not modified, unasked", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, nil, "without a condition"},
		{"redirect to itself", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, ErrRedirects, ""},
		{"endless redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }, ErrRedirects, ""},
		{"redirect to a file", redirect("file:///etc/passwd"), ErrElsewhere, ""},
		{"redirect to another host", redirect("http://elsewhere.example/"), ErrElsewhere, "elsewhere.example"},
		{"redirect to a private address", redirect("http://169.254.169.254/latest/meta-data/"), ErrElsewhere, ""},
		{"redirect to another name of this host", redirect("http://localhost:1/"), ErrElsewhere, ""},
		{"redirect to another port", redirect("http://127.0.0.1:1/"), ErrElsewhere, ""},
		{"redirect to another scheme", redirect("ftp://127.0.0.1/"), ErrElsewhere, ""},
		{"redirect with credentials", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://user:password@"+r.Host+"/")
			w.WriteHeader(302)
		}, ErrElsewhere, ""},
		{"redirect without a host", redirect("//"), nil, ""},
		{"redirect to nonsense", redirect("http://[::1"), nil, ""},
		{"hangs up", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, io.EOF, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, site := start(t, Options{Timeout: time.Second, MaxBytes: 1 << 20}, tt.handler)
			begin := time.Now()
			a, err := c.Get(t.Context(), site, Validators{})
			if err == nil {
				t.Fatalf("the answer is %d, %d bytes", a.Status, len(a.Body))
			}
			if !errors.Is(err, render.ErrUnavailable) || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("the error is %v, want %v, with %q in it", err, tt.want, tt.words)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(302)
	}
}

// TestMemory: many answers without end at the same time need no more than the turns allow.
func TestMemory(t *testing.T) {
	const maxBytes, turns = 256 << 10, 2
	var under, most atomic.Int64
	c, site := start(t, Options{Timeout: time.Minute, MaxBytes: maxBytes, MaxConns: turns}, func(w http.ResponseWriter, r *http.Request) {
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		endless(w, r, make([]byte, 64<<10), 0)
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.GC()
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapAlloc)
			}
		}
	}()
	var asking sync.WaitGroup
	for range 200 {
		asking.Go(func() {
			if _, err := c.Get(t.Context(), site, Validators{}); !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	close(stop)
	<-stopped
	// What the server needs, and what was not collected yet, is in the same heap.
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 40*turns*maxBytes {
		t.Errorf("the heap grew by %d bytes, with %d turns of %d bytes", grown, turns, maxBytes)
	} else {
		t.Logf("the heap grew by %d bytes", grown)
	}
	// A server learns a moment later that its client has gone.
	if most.Load() > 2*turns {
		t.Errorf("%d requests at the same time, %d turns", most.Load(), turns)
	}
}

// TestOnlyThere: nothing is ever sent to another host, by whatever way its name comes in.
func TestOnlyThere(t *testing.T) {
	var visits atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { visits.Add(1) }))
	defer other.Close()
	c, site := start(t, Options{User: "user", Password: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	t.Setenv("HTTP_PROXY", other.URL)
	for name, u := range map[string]string{
		"redirected": site.String(), "asked for": other.URL, "by a path": site.String() + "//" + parse(t, other.URL).Host + "/",
		"as user information": "http://" + site.Host + "@" + parse(t, other.URL).Host + "/",
	} {
		if _, err := c.Get(t.Context(), parse(t, u), Validators{}); !errors.Is(err, ErrElsewhere) {
			t.Errorf("%s: %v, want ErrElsewhere", name, err)
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the other host was visited %d times", n)
	}
}

func TestAllow(t *testing.T) {
	for _, tt := range []struct {
		site, url string
		want      bool
	}{
		{"http://wiki.example/w/", "http://wiki.example/", true},
		{"http://wiki.example", "http://WIKI.example:80/x?y", true},
		{"http://wiki.example", "https://wiki.example/", true},
		{"http://wiki.example", "https://wiki.example:8443/", false},
		{"http://wiki.example:8080", "https://wiki.example/", false},
		{"http://wiki.example:8080", "http://wiki.example/", false},
		{"https://wiki.example", "http://wiki.example/", false},
		{"https://wiki.example", "https://wiki.example:443/", true},
		{"https://wiki.example", "https://wiki.example.evil.example/", false},
		{"https://wiki.example", "https://evil.example/wiki.example", false},
		{"https://wiki.example", "https://sub.wiki.example/", false},
		{"http://[::1]:80/", "http://[::1]/", true},
		{"http://127.0.0.1/", "http://2130706433/", false},
		{"http://wiki.example", "http:wiki.example/", false},
		{"http://wiki.example", "gopher://wiki.example:80/", false},
	} {
		if err := client(t, Options{}, tt.site).allow(parse(t, tt.url)); (err == nil) != tt.want {
			t.Errorf("%s of the site %s: %v", tt.url, tt.site, err)
		}
	}
	for _, site := range []string{"", "/w/api.php", "file:///etc", "ftp://wiki.example", "http://", "http://user:password@wiki.example"} {
		if _, err := New(Options{Site: parse(t, site)}); err == nil || strings.Contains(err.Error(), "password@") {
			t.Errorf("New with the site %q: %v", site, err)
		}
	}
}

func TestConditional(t *testing.T) {
	modified := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	c, site := start(t, Options{User: "user", Password: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "secret" {
			w.WriteHeader(401)
			return
		}
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Last-Modified", modified)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat("the page ", 100)))
	})
	a, err := c.Get(t.Context(), site.JoinPath("old"), Validators{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 200 || len(a.Body) != 900 || a.URL.Path != "/new" {
		t.Errorf("the answer is %d, %d bytes of %s", a.Status, len(a.Body), a.URL)
	}
	v := ValidatorsOf(a)
	if v != (Validators{`"one"`, modified}) {
		t.Errorf("the validators are %+v", v)
	}
	if a, err = c.Get(t.Context(), site, v); err != nil || a.Status != 304 {
		t.Errorf("the second answer is %v, %v, want 304", a, err)
	}
	if a, err := c.Get(t.Context(), site.JoinPath("old"), v); err != nil || a.Status != 200 {
		t.Errorf("the answer behind a redirect is %v, %v, want the page: the condition was of another one", a, err)
	}
	a.Header.Set("Last-Modified", a.Header.Get("Date"))
	if v := ValidatorsOf(a); v.LastModified != "" {
		t.Errorf("a date of the same second is trusted: %+v", v)
	}
	a, err = c.Post(t.Context(), site.JoinPath("old"), url.Values{"a": {"b"}})
	if err != nil || a.Status != 301 {
		t.Errorf("the answer to a POST is %v, %v, want the redirect", a, err)
	}
}

// TestCanceled: who waits for a turn, or for an answer, may give up.
func TestCanceled(t *testing.T) {
	arrived := make(chan struct{}, 1)
	c, site := start(t, Options{MaxConns: 1, Timeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.Get(ctx, site, Validators{})
			errs <- err
		}()
	}
	<-arrived
	cancel()
	for range 2 {
		if err := <-errs; !errors.Is(err, context.Canceled) || !errors.Is(err, render.ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	if _, err := client(t, Options{}, closed).Get(t.Context(), parse(t, closed), Validators{}); !errors.Is(err, render.ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}
