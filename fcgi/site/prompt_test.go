// Prompt answers are the handler's, to the byte.

package site_test

import (
	"fmt"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/render/cache"
)

// both answers every request in both ways, and fails where they differ.
type both struct {
	prompt, plain sitetest.Target
	prompted      [1000]atomic.Int64 // answers given promptly, by status
}

func newBoth(t testing.TB, s *stack) *both {
	b := &both{}
	b.prompt = sitetest.FastCGI(listen(t, s, func(q *fcgi.Query, a *fcgi.Answer) bool {
		ok := s.Prompt(q, a)
		if ok {
			b.prompted[a.Status].Add(1)
		}
		return ok
	}))
	b.plain = sitetest.FastCGI(listen(t, s, nil))
	return b
}

func (b *both) do(q sitetest.Request) (*sitetest.Response, error) {
	if _, err := b.plain.Do(q); err != nil { // the page is ready from now on
		return nil, err
	}
	plain, err := b.plain.Do(q)
	if err != nil {
		return nil, err
	}
	prompt, err := b.prompt.Do(q)
	if err != nil {
		return nil, err
	}
	same := plain.Header.Clone()
	if same.Get("Date") != "" && prompt.Header.Get("Date") != "" {
		same.Set("Date", prompt.Header.Get("Date"))
	}
	if strings.HasPrefix(same.Get("Content-Type"), "multipart/byteranges") { // its boundary is drawn by lot
		same.Set("Content-Type", prompt.Header.Get("Content-Type"))
		plain.Body = prompt.Body
	}
	if plain.Status != prompt.Status || !reflect.DeepEqual(same, prompt.Header) || string(plain.Body) != string(prompt.Body) {
		return nil, fmt.Errorf("%s %s %v:\nplain  %d %v %.200q\nprompt %d %v %.200q", q.Method, q.Target, q.Header,
			plain.Status, plain.Header, plain.Body, prompt.Status, prompt.Header, prompt.Body)
	}
	return prompt, nil
}

// TestBothWays runs all scripts in both ways, with pages from memory and with files that are drawn anew for each request.
func TestBothWays(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*stack, *site.Options)
		tags   []string
	}{
		{"from memory", nil, []string{"memory"}},
		{"drawn", caching(t, cache.Options{MemoryBytes: -1}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStack(t, tt.change)
			b := newBoth(t, s)
			do := func(q sitetest.Request) (*sitetest.Response, error) {
				res, err := b.do(q)
				if err == nil && res.Header.Get("Cache-Status") == "pagemap; fwd=bypass" {
					res.Header.Set("Cache-Status", "pagemap; hit") // as the scripts expect of a second request
				}
				return res, err
			}
			sitetest.RunFiles(t, scripts, s.world, sitetest.Target{Tags: append(b.prompt.Tags, tt.tags...), Do: do})
			for _, status := range []int{200, 204, 301, 302, 304, 400, 404, 405, 410, 414} {
				if b.prompted[status].Load() == 0 {
					t.Errorf("none of the answers with %d was prompt", status)
				}
			}
			for _, status := range []int{206, 412, 416, 500, 503} {
				if n := b.prompted[status].Load(); n != 0 {
					t.Errorf("%d answers with %d were prompt", n, status)
				}
			}
		})
	}
}

// caching gives a stack another cache.
func caching(t testing.TB, o cache.Options) func(*stack, *site.Options) {
	t.Helper()
	pages, err := cache.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pages.Close() })
	return func(_ *stack, so *site.Options) { so.Pages = pages }
}

// FuzzBothWays: whatever a request says, both ways say the same.
func FuzzBothWays(f *testing.F) {
	for _, target := range []string{
		"/", "/about.html?x=1", "//about.html", "/%zz", "/ABOUT.HTML", "/docs", "/docs/index.html", "/moved?a=%0d%0a",
		"/merge?keep=2&\x80=\\", "/gone-see", "/fifo.html", "/big.html", "/q?id=1", "/files/doc.pdf", "/private/secret.html", "/nothing",
		"http://h/about.html", "*", "/" + strings.Repeat("x", 3000),
	} {
		f.Add("GET", target, "")
	}
	f.Add("HEAD", "/about.html", "Accept-Encoding: gzip;q=0.5, br;q=0.1\nIf-None-Match: W/\"a\", *")
	f.Add("GET", "/about.html", "Accept-Encoding: br\nIf-Modified-Since: Tue, 17 Oct 2006 08:30:15 GMT")
	f.Add("GET", "/about.html", "If-None-Match: \nIf-Modified-Since: Tue, 17 Oct 2006 08:30:15 GMT")
	f.Add("GET", "/0123.txt", "Range: bytes=0-1,5-6\nIf-Range: \"x\"")
	f.Add("OPTIONS", "/about.html", "Authorization: x")
	f.Add("DELETE", "/moved", "Pagemap-Invalidate: x")
	f.Add("POST", "/gone", "Referer: x\nReferer: y\nX-A_b: z")

	s := newStack(f, nil)
	b := newBoth(f, s)
	f.Fuzz(func(t *testing.T, method, target, lines string) {
		q := sitetest.Request{Method: method, Target: target, Proto: "HTTP/1.1"}
		for line := range strings.SplitSeq(lines, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				q.Header = append(q.Header, sitetest.Field{Name: name, Value: value})
			}
		}
		if _, err := b.do(q); err != nil {
			t.Error(err)
		}
	})
}

// TestUserIsPrivate: whatever names a user makes every answer private, in both
// ways, with an edge and without.
func TestUserIsPrivate(t *testing.T) {
	users := func(_ *stack, o *site.Options) {
		o.User = func(r *http.Request) string { return nethttpfcgi.ProcessEnv(r)["REMOTE_USER"] }
	}
	edge := newEdged(t, users)
	for mode, s := range map[string]*stack{"exact": newStack(t, users), "edge": edge.stack} {
		for way, prompt := range map[string]func(*fcgi.Query, *fcgi.Answer) bool{"handler": nil, "prompt": s.Prompt} {
			c, err := fcgitest.Dial(listen(t, s, prompt))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for target, want := range map[string]string{
				"/about.html": "private, max-age=300", "/alias": "private, max-age=300", "/temporary": "private, max-age=60",
				"/files/doc.pdf": "private, max-age=60", "/gone": "private, max-age=3600", "/nothing": "private, max-age=30",
				"/docs": "no-store", "/%zz": "no-store",
			} {
				for _, name := range []string{"REMOTE_USER", "HTTP_AUTHORIZATION", ""} {
					for range 2 { // missed, and ready
						q := fcgitest.Request{Target: target}
						if name != "" {
							q.Params = map[string]string{name: "eve"}
						}
						res, err := c.Do(q)
						if err != nil {
							t.Fatal(err)
						}
						got := res.Header.Get("Cache-Control")
						if name != "" && got != want || name == "" && mode == "exact" && strings.Contains(got, "private") {
							t.Errorf("%s, %s, %s, %s: %q", mode, way, target, name, got)
						}
						if handed := edge.take(); name != "" && len(handed) > 0 {
							t.Errorf("%s, %s, %s: handed %q", way, target, name, handed)
						}
					}
				}
			}
		}
	}
}

// TestPromptIsReady checks that what is not in memory is left to the handler, but for a file that is sent as it is.
func TestPromptIsReady(t *testing.T) {
	const stored, hit = "pagemap; fwd=miss; stored", "pagemap; hit"
	s := newStack(t, caching(t, cache.Options{}))
	b := newBoth(t, s)
	page := strings.Repeat("<p>hello</p>", 100)
	if err := s.world.Write("long.html", page); err != nil {
		t.Fatal(err)
	}
	gzip := sitetest.Field{Name: "Accept-Encoding", Value: "gzip"}
	for i, tt := range []struct {
		target string
		header []sitetest.Field
		status string
		prompt bool
		coding string
	}{
		{"/long.html", []sitetest.Field{gzip}, stored, false, "gzip"},
		{"/long.html", []sitetest.Field{gzip}, hit, true, "gzip"},
		{"/long.html", nil, stored, true, ""},
		{"/long.html", nil, hit, true, ""},
		{"/long.html", []sitetest.Field{{Name: "Accept-Encoding", Value: "br"}}, hit, true, ""},
		{"/long.html", []sitetest.Field{{Name: "Range", Value: "bytes=0-"}, gzip}, hit, false, ""},
	} {
		before := b.prompted[http.StatusOK].Load()
		want := http.StatusOK
		if !tt.prompt && tt.coding == "" {
			want = http.StatusPartialContent
		}
		res := get(t, b.prompt, tt.target, want, tt.header...)
		if got := res.Header.Get("Cache-Status"); got != tt.status {
			t.Errorf("request %d: Cache-Status %q, want %q", i, got, tt.status)
		}
		if got := b.prompted[http.StatusOK].Load() > before; got != tt.prompt {
			t.Errorf("request %d: prompt %v", i, got)
		}
		if got := res.Header.Get("Content-Encoding"); got != tt.coding || got == "" && string(res.Body) != page {
			t.Errorf("request %d: encoding %q, %d bytes", i, got, len(res.Body))
		}
	}
}
