// A real server with a list of redirects, compared with the table of the rows read from it.

package exchange

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pagemap/deploy/apache/apachetest"
	"pagemap/mapping"
)

// reply is what a server says about a path, brought to one form: Location is a
// site path or a URL, its percent escapes those of a key.
type reply struct {
	status   int
	location string
}

// server is a running server with one list.
type server struct {
	t      *testing.T
	addr   string          // host:port
	errors func() []string // what the server has complained of
	read   ReadOptions     // of its list
	ask    sync.Map        // target to reply
	conns  chan *conn
}

type conn struct {
	net.Conn
	in *bufio.Reader
}

// startApache serves a tree in which the directory base, such as "/" or
// "/sub/", has an .htaccess.
func startApache(t *testing.T, base, htaccess string) *server {
	root := filepath.Join(apachetest.Dir(t), "tree")
	if err := os.MkdirAll(root+base, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+base+".htaccess", []byte(htaccess), 0o644); err != nil {
		t.Fatal(err)
	}
	return startSite(t, root, ``, ReadOptions{Format: Htaccess, Base: mapping.Path(base)})
}

// startSite serves a tree with directives for its virtual host.
func startSite(t *testing.T, root, directives string, o ReadOptions) *server {
	running := apachetest.Start(t, apachetest.Options{
		Server: "LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so\n",
		Site: fmt.Sprintf(`DocumentRoot %q
			MaxKeepAliveRequests 0
			<Directory %q>
				AllowOverride All
				Options FollowSymLinks
				DirectoryIndex index.html
				Require all granted
			</Directory>
			%s`, root, root, directives),
	})
	return newServer(t, running.Addr, running.Errors, o)
}

// startHttpd serves an empty tree with a list in the configuration of the server.
func startHttpd(t *testing.T, text string) *server {
	return startSite(t, apachetest.Dir(t), text, ReadOptions{Format: Httpd})
}

func newServer(t *testing.T, addr string, errors func() []string, o ReadOptions) *server {
	s := &server{t: t, addr: addr, errors: errors, read: o, conns: make(chan *conn, 4)}
	s.read.Hosts = mapping.Hosts{"www.example.org", addr}
	s.read.IndexNames = []string{"index.html"}
	for range cap(s.conns) {
		c := new(conn)
		t.Cleanup(func() {
			if c.Conn != nil {
				c.Close()
			}
		})
		s.conns <- c
	}
	return s
}

// get asks Apache for a raw target.
func (s *server) get(target string) reply {
	if r, ok := s.ask.Load(target); ok {
		return r.(reply)
	}
	c := <-s.conns
	defer func() { s.conns <- c }()
	if c.Conn == nil {
		var err error
		if c.Conn, err = net.Dial("tcp", s.addr); err != nil {
			return reply{location: err.Error()}
		}
		c.in = bufio.NewReader(c)
	}
	fmt.Fprintf(c, "HEAD %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, s.addr)
	answer, err := http.ReadResponse(c.in, &http.Request{Method: "HEAD"})
	if err != nil {
		return reply{location: err.Error()}
	}
	if answer.Close {
		c.Close()
		c.Conn = nil
	}
	r := reply{answer.StatusCode, s.normal(answer.Header.Get("Location"))}
	switch r.status {
	case 303, 307:
		r.status = 302
	case 308:
		r.status = 301
	case 403:
		r.status = 404 // of a directory without an index
	}
	s.ask.Store(target, r)
	return r
}

// normal is a Location in the form in which they are compared: the path's
// escapes and slashes as in a key, the query before the fragment, none where it
// is empty.
func (s *server) normal(location string) string {
	if location == "" {
		return ""
	}
	for _, host := range s.read.Hosts {
		if rest, ok := strings.CutPrefix(location, "http://"+host); ok {
			location = rest
		}
	}
	host := ""
	if i := strings.Index(location, "://"); i >= 0 {
		end := i + 3
		for end < len(location) && !strings.ContainsRune("/?#", rune(location[end])) {
			end++
		}
		host, location = location[:end], location[end:]
	}
	path := pathOf(location)
	rest := location[len(path):]
	// Apache puts the request's query behind the target's fragment.
	before, fragment, hasFragment := strings.Cut(rest, "#")
	if i := strings.IndexAny(fragment, "?&"); i >= 0 && (before == "") == (fragment[i] == '?') {
		before, fragment = before+fragment[i:], fragment[:i]
	}
	// It passes parameters on that the target has itself, which the table does not.
	if first, more, ok := strings.Cut(before, "&"); ok {
		for param := range strings.SplitSeq(more, "&") {
			name, _, _ := strings.Cut(param, "=")
			if !strings.Contains(first, "?"+name+"=") && !strings.Contains(first, "&"+name+"=") {
				first += "&" + param
			}
		}
		before = first
	}
	if rest = strings.TrimSuffix(before, "?"); hasFragment {
		rest += "#" + fragment
	}
	if path != "" {
		key, err := mapping.ParsePath(path)
		if err != nil {
			return "no path: " + location
		}
		path = string(key)
	}
	return host + path + strings.ReplaceAll(rest, " ", "%20")
}

// final follows Apache's redirects on the site to their end, as the table does
// at once: 301 where all are, and at a page that is gone, gone.
func (s *server) final(target string) reply {
	last := s.get(target)
	status := last.status
	for range mapping.MaxHops {
		if last.status/100 != 3 || !strings.HasPrefix(last.location, "/") {
			break
		}
		at, _, _ := strings.Cut(last.location, "#")
		next := s.get(at)
		switch {
		case next.status == 410:
			return next
		case next.status == 404 && last.location == at+"/":
			return next
		case next.status/100 != 3:
			return reply{status, last.location}
		case next.status == 302:
			status = 302
		}
		if _, fragment, ok := strings.Cut(last.location, "#"); ok && !strings.Contains(next.location, "#") {
			next.location += "#" + fragment
		}
		last = next
	}
	if status/100 == 3 {
		return reply{status, last.location}
	}
	return last
}

// table is what the table says.
func (s *server) table(r *mapping.Resolver, target string) reply {
	t, err := mapping.ParseTarget(target)
	if err != nil {
		s.t.Fatalf("%s: %v", target, err)
	}
	a := r.Resolve(t)
	return reply{a.Status, s.normal(a.Location)}
}

// twins are the paths as which the table answers a path that Apache does not
// know: with another final slash, an index file's directory and the reverse, and
// those of known that differ in case.
func twins(target string, known []string) []string {
	path, query, hasQuery := strings.Cut(target, "?")
	if hasQuery {
		query = "?" + query
	}
	if key, err := mapping.ParsePath(path); err == nil {
		path = string(key)
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(path, "index.html"), "/")
	all := []string{stem, stem + "/", stem + "/index.html", strings.TrimSuffix(path, "/"), strings.TrimSuffix(path, "/") + "/"}
	for _, k := range known {
		if strings.EqualFold(strings.TrimSuffix(k, "/"), strings.TrimSuffix(path, "/")) || strings.EqualFold(strings.TrimSuffix(k, "/"), stem) {
			k = strings.TrimSuffix(k, "/")
			all = append(all, k, k+"/", k+"/index.html")
		}
	}
	for i := range all {
		if all[i] == "" {
			all[i] = "/"
		}
		all[i] += query
	}
	return all
}

// variations of a path: what a reader may ask for instead.
func variations(path string) []string {
	clean := strings.TrimSuffix(path, "/")
	last := clean[strings.LastIndexByte(clean, '/')+1:]
	dir := strings.TrimSuffix(clean, last)
	all := []string{
		path, clean + "/", clean, clean + "/below", clean + "/below/deeper.html", clean + "/b%20c;d=e/", clean + "x", clean + "x/y",
		strings.ToUpper(path), dir + strings.ToUpper(last), strings.ToUpper(dir) + last, strings.ToUpper(path) + "/below",
		dir + "/" + last, dir + "./" + last, clean + "//below", dir + "x/../" + last, clean + "/index.html", clean + "/INDEX.html", clean + "?", dir,
		path + "?q=1&x=y+z", clean + "/?q=1", clean + "/below?q=1", path + "?id=5", path + "?id=5&q=1", path + "?id=55",
	}
	if i := strings.IndexAny(last, "abcdeghxyz"); i >= 0 && !strings.Contains(last, "%") {
		all = append(all, fmt.Sprintf("%s%s%%%02x%s", dir, last[:i], last[i], last[i+1:]))
	}
	return slices.DeleteFunc(all, func(v string) bool { return !strings.HasPrefix(v, "/") })
}

// compare asks both for all variations of all paths. except tells what the
// report calls not expressible.
func (s *server) compare(text string, known []string, except func(key string) bool) (*Reading, int) {
	s.t.Helper()
	in, err := Read(context.Background(), strings.NewReader(text), s.read)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := 0
	for _, n := range in.Counts {
		sum += n
	}
	if sum != in.Lines || in.Lines != strings.Count(text, "\n") {
		s.t.Errorf("counts %v of %d lines, the file has %d", in.Counts, in.Lines, strings.Count(text, "\n"))
	}
	resolver := &mapping.Resolver{Hosts: s.read.Hosts, IndexNames: s.read.IndexNames, Rows: mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, row := range in.Rows {
			if !yield(row.Page.Row) {
				return
			}
		}
	})}
	for _, row := range in.Rows {
		if err := resolver.CheckRedirect(row.Page.Row); err != nil {
			s.t.Errorf("line %d: %v", row.Line, err)
		}
	}
	asked := map[string]bool{}
	for _, path := range known {
		for _, v := range variations(path) {
			asked[v] = true
		}
	}
	work := make(chan string)
	var wait sync.WaitGroup
	var mu sync.Mutex
	wrong := 0
	for range cap(s.conns) {
		wait.Go(func() {
			for target := range work {
				if problem := s.differ(resolver, target, known, except); problem != "" {
					mu.Lock()
					if wrong++; wrong < 20 {
						s.t.Error(problem)
					}
					mu.Unlock()
				}
			}
		})
	}
	for target := range asked {
		work <- target
	}
	close(work)
	wait.Wait()
	if wrong > 0 {
		s.t.Errorf("%d of %d targets differ", wrong, len(asked))
	}
	for _, line := range s.errors() {
		if !strings.Contains(line, "No matching DirectoryIndex") {
			s.t.Fatalf("the server says: %s", line)
		}
	}
	return in, len(asked)
}

// differ says how the answers for a target differ against the rules.
func (s *server) differ(resolver *mapping.Resolver, target string, known []string, except func(string) bool) string {
	parsed, err := mapping.ParseTarget(target)
	if err != nil || except(string(parsed.Path)) {
		return ""
	}
	want, got := s.final(target), s.table(resolver, target)
	if want == got || slices.Contains(s.throughTwin(resolver, want, known), got) {
		return ""
	}
	if s.get(target).status == 404 {
		for _, twin := range twins(target, known) {
			end := s.final(twin)
			if s.get(twin).status != 404 && (end == got || shorter(end) == got) || except(pathOf(twin)) {
				return ""
			}
		}
	}
	_, steps := resolver.Explain(parsed)
	return fmt.Sprintf("%s: the server %v, the table %v\n\t%+v", target, want, got, steps)
}

// throughTwin is what a chain leads to that ends, in Apache, at a path of the
// site that is not known there, but a twin of it is.
func (s *server) throughTwin(resolver *mapping.Resolver, end reply, known []string) []reply {
	at := pathOf(end.location)
	if end.status/100 != 3 || !strings.HasPrefix(at, "/") || s.get(at).status != 404 {
		return []reply{end}
	}
	all := []reply{end}
	// Apache does not tell a 404 of a rule from one of nothing; the table goes
	// to the latter and answers for the former.
	if t, err := mapping.ParseTarget(at); err == nil && resolver.Resolve(t).Status == 404 && resolver.Resolve(t).Pattern != "" {
		all = append(all, reply{status: 404})
	}
	location, fragment, _ := strings.Cut(end.location, "#")
	for _, twin := range twins(location, known) {
		next := s.final(twin)
		if fragment != "" && !strings.Contains(next.location, "#") {
			next.location += "#" + fragment
		}
		if next.status == 410 {
			all = append(all, next)
		} else if next.status/100 == 3 {
			next.status = max(end.status, next.status)
			if !strings.HasSuffix(at, "/") && strings.HasSuffix(pathOf(twin), "/") {
				all = append(all, shorter(next))
			}
			all = append(all, next)
		}
	}
	return all
}

// shorter is the answer of a prefix row for its path without the final slash,
// which its target does not get either.
func shorter(r reply) reply {
	path := pathOf(r.location)
	r.location = strings.TrimSuffix(path, "/") + r.location[len(path):]
	return r
}
