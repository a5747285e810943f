// A site behind an Apache with an edge cache, its responder inside the test.

package apache_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/deploy/apache"
	"pagemap/deploy/apache/apachetest"
	"pagemap/fcgi"
	"pagemap/fcgi/edge"
	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
	"pagemap/render/cache"
)

// secret is the pool's in the tests.
const secret = "0123456789abcdef-of-the-pool"

// edgeSite is Apache with the edge, and behind it responders that share a table.
type edgeSite struct {
	*apachetest.Server
	world *sitetest.World
	table atomic.Pointer[mapping.Table]
	asked atomic.Int64 // requests that reached a responder, the pool's own aside
	drawn atomic.Int64 // pages

	mu   sync.Mutex
	hold func(http.Handler) http.Handler // around the site's handler, where not nil

	front      string // where readers ask: host:port of Apache, or of Varnish
	listener   *net.UnixListener
	second     *apachetest.Server // nil: none
	responders []*edgeResponder
}

// edgeResponder is one responder.
type edgeResponder struct {
	watch  *edge.Watch
	server *fcgi.Server
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// edgeOptions of upEdge.
type edgeOptions struct {
	maxAge     time.Duration // 0: 5 s
	responders int           // 0: 1
	vhost      string        // further directives of the virtual host
	defines    map[string]string
	second     bool          // a second Apache, with a cache of its own
	varnish    bool          // a Varnish in place of Apache's cache
	caches     []string      // beside Apache's
	slow       time.Duration // that drawing a page takes
}

// upEdge brings a site up. Every answer of Apache's cache has X-Cache.
func upEdge(t *testing.T, o edgeOptions) *edgeSite {
	t.Helper()
	s := &edgeSite{world: sitetest.NewWorld(t)}
	rows := map[string]mapping.Row{}
	for _, p := range s.world.Pages {
		rows[p.Pattern] = p.Row
	}
	s.table.Store(mapping.NewTable(maps.Values(rows)))

	dir := apachetest.Dir(t)
	socket := filepath.Join(dir, "s")
	var err error
	if s.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	var conf strings.Builder
	err = apache.Render(&conf, apache.Options{Way: apache.Socket, Tree: s.world.Dir, ACME: dir, Socket: socket, TTL: 1, Edge: !o.varnish, EdgeAge: int(o.maxAge / time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	config := apachetest.Options{Site: conf.String() + "\nCacheHeader On\n" + o.vhost, Defines: o.defines}
	s.Server = apachetest.Start(t, config)
	s.front = s.Addr
	if o.varnish {
		s.front = startVarnish(t, s.Addr)
		o.caches = append(o.caches, "varnish+http://"+s.front)
	} else {
		o.caches = append(o.caches, s.URL)
	}
	if o.second {
		s.second = apachetest.Start(t, config)
		o.caches = append(o.caches, s.second.URL)
	}
	for range max(o.responders, 1) {
		s.responders = append(s.responders, s.startResponder(t, o))
	}
	return s
}

// startResponder adds one that accepts on the common socket, as a pool's do.
func (s *edgeSite) startResponder(t *testing.T, o edgeOptions) *edgeResponder {
	t.Helper()
	shared, err := s.listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	l, err := net.FileListener(shared)
	if err != nil {
		t.Fatal(err)
	}
	if o.maxAge == 0 {
		o.maxAge = site.MaxEdgeAge
	}
	files, err := tree.Open(s.world.Dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	types := mapping.DefaultTypes()
	pages, err := cache.New(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &edgeResponder{}
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var pagesSite *site.Site
	r.watch, err = edge.New(edge.Options{
		Caches: o.caches, Host: host, Secret: secret, MaxAge: o.maxAge, Logger: log,
		Identity: func(ctx context.Context, p mapping.Path) (string, bool) { return pagesSite.Identity(ctx, p) },
		State:    func() any { return s.table.Load() },
	})
	if err != nil {
		t.Fatal(err)
	}
	pagesSite, err = site.New(site.Options{
		Table: s.table.Load, Files: files, IndexNames: []string{"index.html", "index.htm"}, Types: types, Pages: pages,
		Sources: map[mapping.SourceKind]render.Source{
			mapping.SourceFile: slowSource{render.NewFiles(files, types, render.FileOptions{}), o.slow, &s.drawn},
		},
		User:   func(r *http.Request) string { return r.Header.Get("X-Test-User") },
		Edge:   &site.Edge{MaxAge: o.maxAge, Secret: secret, Handed: r.watch.Handed},
		Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.server = fcgi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := http.Handler(pagesSite)
		if req.Header.Get(edge.Header) != secret {
			s.asked.Add(1)
			s.mu.Lock()
			if s.hold != nil {
				h = s.hold(h)
			}
			s.mu.Unlock()
		}
		h.ServeHTTP(w, req)
	}), fcgi.Options{
		DrainIdle: 100 * time.Millisecond, Logger: log,
		Prompt: func(q *fcgi.Query, a *fcgi.Answer) bool {
			s.mu.Lock()
			held := s.hold != nil
			s.mu.Unlock()
			if held || header(q, "X-Test-User") != "" || !pagesSite.Prompt(q, a) {
				return false
			}
			if header(q, edge.Header) != secret {
				s.asked.Add(1)
			}
			return true
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.done.Go(func() { r.server.Serve(l) })
	r.done.Go(func() { r.watch.Run(ctx) })
	t.Cleanup(func() {
		r.stop()
		pages.Close()
		files.Close()
	})
	return r
}

// header is a request's header.
func header(q *fcgi.Query, name string) (value string) {
	name = "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	for n, v := range q.Params {
		if string(n) == name {
			value = string(v)
		}
	}
	return value
}

// stop ends the responder without telling the edge anything, as a kill does.
func (r *edgeResponder) stop() {
	r.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.server.Shutdown(ctx)
	r.done.Wait()
}

// slowSource takes its time, and counts.
type slowSource struct {
	*render.Files
	pause time.Duration
	drawn *atomic.Int64
}

func (s slowSource) Render(ctx context.Context, page render.Page) (*render.Document, error) {
	time.Sleep(s.pause)
	s.drawn.Add(1)
	return s.Files.Render(ctx, page)
}

// testWriter writes to a test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) { w.t.Logf("%s", b); return len(b), nil }

// holding puts h around the site's handler; nil takes it away.
func (s *edgeSite) holding(h func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = h
}

// put sets a row of the table.
func (s *edgeSite) put(t testing.TB, pattern string, status uint16, source string) {
	t.Helper()
	p, err := sitetest.Hosts.Clean(mapping.Page{Row: mapping.Row{
		Pattern: pattern, Status: status, Source: source, Origin: mapping.OriginCLI, Changed: time.Now().UnixMicro(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.apply(mapping.Change{Pattern: p.Pattern, Row: &p.Row})
}

// apply changes the table. Several tests do so at once.
func (s *edgeSite) apply(change mapping.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.Store(s.table.Load().Apply([]mapping.Change{change}))
}

// write replaces a file as an editor does; it looks settled at once.
func (s *edgeSite) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(s.world.Dir, name)
	if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path+".new", then, then); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// encodings of readers: one that takes brotli, one gzip, one nothing.
var encodings = []string{"gzip, deflate, br", "gzip", ""}

// ask is a GET with this Accept-Encoding, "" for none.
func (s *edgeSite) ask(t testing.TB, target, encoding string, header ...string) reply {
	t.Helper()
	if encoding != "" {
		header = append(header, "Accept-Encoding: "+encoding)
	}
	return get(t, s.front, "GET", target, header...)
}

// hit reports whether Apache's cache answered.
func (r reply) hit() bool { return strings.HasPrefix(r.Header.Get("X-Cache"), "HIT") }

// warm asks until Apache's cache answers.
func (s *edgeSite) warm(t testing.TB, target, encoding string) reply {
	t.Helper()
	// An answer that was made while the table changed is not stored: one of the tests beside this one may have done that.
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if r := s.ask(t, target, encoding); r.hit() {
			return r
		}
	}
	t.Fatalf("%s for %q: not stored", target, encoding)
	return reply{}
}

// version is what the page says of itself: the text between [ and ].
func version(r reply) string {
	_, rest, _ := strings.Cut(r.body, "[")
	v, _, _ := strings.Cut(rest, "]")
	return v
}

// versioned is a page of about 10 KB that says its version in its bytes, where
// they are not compressed, and in its type's charset never.
func versioned(v string) string {
	return fmt.Sprintf("<!DOCTYPE html>\n<title>page</title>\n[%s]\n%s", v, strings.Repeat("<p>"+v+" lorem ipsum dolor\n", 400))
}
