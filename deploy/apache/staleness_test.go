// How soon a change shows through the edge, and whether an old page comes after it.

package apache_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// soon is within which a change has to show.
const soon = time.Second

// observed is a URL whose answers say their version.
type observed struct {
	target  string
	version func(*http.Response, string) string // of an answer and its body, as a number

	mu      sync.Mutex
	commits []time.Time     // by version
	late    []time.Duration // by version: how long after the commit a reader asked who was given an older one
}

// committed notes that the next version is in force, which put does.
func (o *observed) committed(t testing.TB, put func(version int) error) {
	o.mu.Lock()
	next := len(o.commits)
	o.mu.Unlock()
	if err := put(next); err != nil {
		t.Error(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commits, o.late = append(o.commits, time.Now()), append(o.late, 0)
}

// saw notes an answer to a request that began then, and reports how long it was
// outdated by.
func (o *observed) saw(version int, begun time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if version+1 >= len(o.commits) {
		return 0
	}
	late := begun.Sub(o.commits[version+1])
	for v := version + 1; v < len(o.commits); v++ {
		o.late[v] = max(o.late[v], begun.Sub(o.commits[v]))
	}
	return late
}

// watchers ask for pages without a pause, until stop.
type watchers struct {
	quit     chan struct{}
	done     sync.WaitGroup
	requests atomic.Int64
	stale    atomic.Int64 // answers that were outdated by more than soon
}

func watch(t *testing.T, s *stack, readers int, pages []*observed) *watchers {
	w := &watchers{quit: make(chan struct{})}
	for range readers {
		w.done.Go(func() {
			client := http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-w.quit:
					return
				default:
				}
				p := pages[rand.IntN(len(pages))]
				begun := time.Now()
				version, err := askVersion(&client, s.URL, p)
				w.requests.Add(1)
				if err != nil {
					t.Errorf("%s: %v", p.target, err)
					return
				}
				if late := p.saw(version, begun); late > soon {
					w.stale.Add(1)
					t.Errorf("%s: version %d, %s after there was another", p.target, version, late)
				}
			}
		})
	}
	return w
}

func (w *watchers) stop() {
	close(w.quit)
	w.done.Wait()
}

// askVersion is the version that a reader of some encoding is given.
func askVersion(client *http.Client, url string, p *observed) (int, error) {
	req, err := http.NewRequest("GET", url+p.target, nil)
	if err != nil {
		return 0, err
	}
	req.Host = host
	if e := encodings[rand.IntN(len(encodings))]; e != "" {
		req.Header.Set("Accept-Encoding", e)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body := io.Reader(res.Body)
	switch res.Header.Get("Content-Encoding") {
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			return 0, err
		}
	case "br":
		body = brotli.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(p.version(res, string(text)))
}

// inBody is the version that versioned wrote.
func inBody(res *http.Response, body string) string { return version(reply{res, body}) }

// changesWanted is how many changes to make: few in the usual tests, or what
// scripts/staleness asks for.
func changesWanted(t *testing.T) int {
	text := os.Getenv("PAGEMAP_CHANGES")
	if text == "" {
		return 30
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("PAGEMAP_CHANGES=%q is not a number of changes", text)
	}
	return n
}

// report tells, and judges, the times of all changes.
func report(t *testing.T, what string, w *watchers, pages []*observed) {
	t.Helper()
	var late []time.Duration
	for _, p := range pages {
		late = append(late, p.late[1:]...)
	}
	slices.Sort(late)
	at := func(q float64) time.Duration { return late[int(q*float64(len(late)-1))] }
	t.Logf("%s: %d changes, %d requests: the last reader of the old page asked p50 %s, p99 %s, max %s after the commit; %d stale answers later than %s",
		what, len(late), w.requests.Load(), at(.5).Round(time.Millisecond), at(.99).Round(time.Millisecond), at(1).Round(time.Millisecond), w.stale.Load(), soon)
	if at(.99) > soon || w.stale.Load() > 0 {
		t.Errorf("%s: too late", what)
	}
}

// TestStaleness changes rows and files under load, behind two workers.
func TestStaleness(t *testing.T) {
	s := up(t, options{edge: true, more: map[string]string{"workers": "2"}})
	db, err := postgres.Open(postgres.Options{DSN: s.dsn, Hosts: mapping.Hosts{host}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put := func(name, content string, settled bool) error {
		path := filepath.Join(s.world.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
			return err
		}
		if settled {
			then := time.Now().Add(-time.Minute)
			if err := os.Chtimes(path+".new", then, then); err != nil {
				return err
			}
		}
		return os.Rename(path+".new", path)
	}
	const each = 20
	var pages []*observed
	var change []func(int) error
	for i := range each {
		row, file, copied := fmt.Sprintf("/stale/row%d", i), fmt.Sprintf("stale/file%d.html", i), fmt.Sprintf("stale/copied%d.html", i)
		pages = append(pages, &observed{target: row, version: inBody}, &observed{target: "/" + file, version: inBody}, &observed{target: "/" + copied, version: inBody})
		change = append(change,
			func(v int) error {
				source := fmt.Sprintf("stale/of-row%d-%d.html", i, v)
				if err := put(source, versioned(strconv.Itoa(v)), true); err != nil {
					return err
				}
				p, err := sitetest.Hosts.Clean(mapping.Page{Row: mapping.Row{Pattern: row, Status: 200, Source: "file:/" + source, Origin: mapping.OriginCLI}})
				if err != nil {
					return err
				}
				_, err = db.Write(t.Context(), postgres.ChangeSet{Author: "test", Origin: mapping.OriginCLI}, []postgres.Edit{{Pattern: row, Page: &p}})
				return err
			},
			func(v int) error { return put(file, versioned(strconv.Itoa(v)), false) },
			func(v int) error { return put(copied, versioned(strconv.Itoa(v)), true) },
		)
	}
	for i, p := range pages {
		p.committed(t, change[i])
	}
	time.Sleep(3 * time.Second) // all files have settled
	w := watch(t, s, 8, pages)
	time.Sleep(2 * time.Second)
	for n := range changesWanted(t) {
		i := n % len(pages)
		pages[i].committed(t, change[i])
		time.Sleep(110 * time.Millisecond) // so that one page's changes are further apart than a copy's lifetime
	}
	time.Sleep(7 * time.Second)
	w.stop()
	report(t, "rows and files", w, pages)
}

// TestStalenessOfSettings changes the settings, which are in every page, and the
// layout of errors, behind one process.
func TestStalenessOfSettings(t *testing.T) {
	s := up(t, options{edge: true, more: map[string]string{"workers": "1", "log-level": "warn"}})
	layout := filepath.Join(s.dir, "error.html")
	inType := func(res *http.Response, _ string) string {
		_, v, _ := strings.Cut(res.Header.Get("Content-Type"), "charset=x-")
		return v
	}
	var pages []*observed
	for _, target := range []string{"/about.html", "/docs/guide.html", "/alias", "/x.html"} {
		pages = append(pages, &observed{target: target, version: inType})
	}
	pages = append(pages, &observed{target: "/no/such/page", version: inBody})
	settings := maps.Clone(s.settingsOf)
	settings["error-page"] = layout
	apply := func(v int) error {
		settings["charset"] = fmt.Sprintf("x-%d", v)
		if err := os.WriteFile(layout, fmt.Appendf(nil, "<h1>[%d] {{.Status}}</h1>", v), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(s.settings, []byte(lines(settings)), 0o644); err != nil {
			return err
		}
		return s.daemon.cmd.Process.Signal(syscall.SIGHUP)
	}
	commit := func() {
		for i, p := range pages {
			p.committed(t, func(v int) error {
				if i > 0 {
					return nil // the first one's change is everybody's
				}
				return apply(v)
			})
		}
	}
	commit()
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	eventually(t, 10*time.Second, "the first settings", func() bool {
		v, err := askVersion(&client, s.URL, pages[len(pages)-1])
		return err == nil && v == 0
	})
	time.Sleep(2 * time.Second)
	w := watch(t, s, 8, pages)
	time.Sleep(time.Second)
	for range max(changesWanted(t)/20, 3) {
		commit()
		time.Sleep(1500 * time.Millisecond)
	}
	time.Sleep(6 * time.Second)
	w.stop()
	report(t, "settings and the layout of errors", w, pages)
}

// A pool whose workers are replaced, for other settings, leaves nothing of the old
// ones at the edge once they have gone.
func TestEdgePoolIsReplaced(t *testing.T) {
	s := up(t, options{edge: true, more: map[string]string{"workers": "2"}})
	charset := func() string {
		_, v, _ := strings.Cut(get(t, s.Addr, "GET", "/about.html").Header.Get("Content-Type"), "charset=")
		return v
	}
	for range 10 {
		if v := charset(); v != "" {
			t.Fatalf("charset %q before the change", v)
		}
	}
	old := s.daemon.workers(t)
	s.settingsOf["charset"] = "x-new"
	if err := os.WriteFile(s.settings, []byte(lines(s.settingsOf)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "the old workers to go", func() bool {
		charset() // readers keep coming
		now := s.daemon.workers(t)
		return !slices.ContainsFunc(old, func(pid int) bool { return slices.Contains(now, pid) })
	})
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if v := charset(); v != "x-new" {
			t.Fatalf("charset %q after the old workers had gone", v)
		}
	}
}
