// Who is measured, and how each is set up.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"pagemap/scripts/freeport"
)

// contender is a server, or several behind one address, that answers with the site's pages.
type contender struct {
	addr       string
	parts      []part
	compresses bool                            // for readers who accept it
	database   string                          // its page table; "": it has none that can be changed
	forget     func(ctx context.Context) error // empties its caches; nil: never asked to
}

// part is a process and what its time is counted as.
type part struct {
	role string
	p    *process
}

// Roles.
const (
	roleApache    = "Apache"
	roleResponder = "responder"
	roleMemcached = "memcached"
)

// kinds are all contenders, in the order of the tables.
var kinds = []struct{ name, title string }{
	{"static", "Apache, static files"},
	{"deflate", "Apache, static files, mod_deflate"},
	{"plain", "constant page, plain net/http/fcgi"},
	{"raw", "constant page, raw FastCGI writer (the wall)"},
	{"django", "Django, mod_wsgi, cache in memcached"},
	{"varnish-static", "Varnish in front of Apache, static files"},
	{"nginx", "nginx fastcgi_cache, pagemap behind it"},
	{"exact", "pagemap, exact"},
	{"edge", "pagemap, edge"},
	{"varnish", "pagemap behind Varnish"},
	{"embedded", "pagemap, embedded (no Apache)"},
	{"cold", "pagemap, exact, fresh caches"},
}

// setUp starts the servers of a contender.
func (b *bench) setUp(ctx context.Context, name string) (*contender, error) {
	return map[string]func(context.Context) (*contender, error){
		"static":         func(ctx context.Context) (*contender, error) { return b.files(ctx, "static", false) },
		"deflate":        func(ctx context.Context) (*contender, error) { return b.files(ctx, "deflate", true) },
		"plain":          func(ctx context.Context) (*contender, error) { return b.constant(ctx, "plain") },
		"raw":            func(ctx context.Context) (*contender, error) { return b.constant(ctx, "raw") },
		"django":         b.django,
		"varnish-static": b.varnishStatic,
		"nginx":          b.nginx,
		"exact":          b.exact,
		"edge":           b.edge,
		"varnish":        b.varnish,
		"embedded":       b.embedded,
		"cold":           b.cold,
	}[name](ctx)
}

// files is Apache alone.
func (b *bench) files(ctx context.Context, name string, deflate bool) (*contender, error) {
	p, addr, err := b.lab.apache(ctx, name, "static.conf", map[string]any{"Tree": b.site.dir, "Deflate": deflate})
	return &contender{addr: addr, parts: []part{{roleApache, p}}, compresses: deflate}, err
}

// constant is a responder of one page, with the configuration that pagemap has.
func (b *bench) constant(ctx context.Context, name string) (*contender, error) {
	responder, socket, err := b.lab.responder(ctx, name, b.site)
	if err != nil {
		return nil, err
	}
	p, addr, err := b.lab.apache(ctx, name+"-apache", "responder.conf", map[string]any{"Tree": b.site.dir, "Socket": socket, "Files": []string{"pagemap.conf"}})
	return &contender{addr: addr, parts: []part{{roleApache, p}, {roleResponder, responder}}, compresses: true}, err
}

// django runs inside Apache's processes, which is faster for it than daemons of
// mod_wsgi behind them.
func (b *bench) django(ctx context.Context) (*contender, error) {
	memcached, socket, err := b.lab.memcached(ctx, "django-memcached")
	if err != nil {
		return nil, err
	}
	dir, err := b.lab.place("django-site")
	if err != nil {
		return nil, err
	}
	if _, err := b.lab.conf(dir, "benchsite.py", map[string]any{"Tree": b.site.dir, "Memcached": socket}); err != nil {
		return nil, err
	}
	p, addr, err := b.lab.apache(ctx, "django", "django.conf", map[string]any{"Site": dir},
		"-C", "LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so")
	return &contender{addr: addr, parts: []part{{roleApache, p}, {roleMemcached, memcached}}, compresses: true}, err
}

func (b *bench) varnishStatic(ctx context.Context) (*contender, error) {
	behind, err := b.contender(ctx, "static")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(behind.addr)
	if err != nil {
		return nil, err
	}
	vcl, err := b.lab.conf(b.lab.dir, "varnish.vcl", map[string]any{"Port": port})
	if err != nil {
		return nil, err
	}
	p, addr, err := b.lab.varnish(ctx, "varnish-static", vcl, "-p", "default_ttl=3600")
	return &contender{addr: addr, parts: append([]part{{"Varnish", p}}, behind.parts...), compresses: true}, err
}

func (b *bench) nginx(ctx context.Context) (*contender, error) {
	behind, err := b.contender(ctx, "exact")
	if err != nil {
		return nil, err
	}
	p, addr, err := b.lab.nginx(ctx, b.socket("exact"))
	parts := []part{{"nginx", p}}
	for _, p := range behind.parts {
		if p.role != roleApache { // which is not in the way
			parts = append(parts, p)
		}
	}
	return &contender{addr: addr, parts: parts, compresses: true}, err
}

// cold is another stack as exact, whose caches can be emptied without harm to what
// the others measure.
func (b *bench) cold(ctx context.Context) (*contender, error) {
	c, err := b.stack(ctx, "cold", "", nil, "pagemap.conf")
	if err != nil {
		return nil, err
	}
	pool := c.parts[slices.IndexFunc(c.parts, func(p part) bool { return p.role == roleResponder })].p
	c.forget = func(ctx context.Context) error {
		return errors.Join(b.replace(ctx, pool), flush(b.memcachedSocket("cold")))
	}
	return c, err
}

// front is what stands before pagemap's Apache: the address that readers get, and the
// processes there. It is nothing where Apache is what they reach.
type front func(ctx context.Context, apache string) (addr string, parts []part, err error)

// stack is the real stack with files of deploy/apache, the settings that pagemapd has by
// itself, a memory tier of 64 MB for its pool, and a memcached of 64 MB. Its table is a
// copy of one that is filled once. A cache in front of the pool is named in the setting
// edge, as URL with the prefix that tells its kind.
func (b *bench) stack(ctx context.Context, name, prefix string, f front, files ...string) (*contender, error) {
	database, err := b.database(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.lab.run(ctx, "psql", "--host", b.lab.dir, "--dbname", "postgres", "--no-psqlrc", "--quiet", "--command",
		fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, filled)); err != nil {
		return nil, err
	}
	memcached, _, err := b.lab.memcached(ctx, name+"-memcached")
	if err != nil {
		return nil, err
	}
	apache, addr, err := b.lab.apache(ctx, name+"-apache", "responder.conf", map[string]any{"Tree": b.site.dir, "Socket": b.socket(name), "Files": files})
	if err != nil {
		return nil, err
	}
	parts := []part{{roleApache, apache}, {roleMemcached, memcached}, {"PostgreSQL", database}}
	if f != nil {
		var before []part
		if addr, before, err = f(ctx, addr); err != nil {
			return nil, err
		}
		parts = append(parts, before...)
	}
	settings := []string{
		"tree = " + b.site.dir,
		"site = http://" + host,
		"wiki = " + b.site.wiki,
		"looks = " + b.site.looks,
		"database = " + b.lab.dsn(name),
		"listen = unix:" + b.socket(name),
		"memcached = unix:" + b.memcachedSocket(name),
		"admin = unix:" + b.adminSocket(name),
		fmt.Sprintf("memory = %dMiB", max(1, 64/runtime.NumCPU())),
	}
	if prefix != "" {
		secret, err := b.lab.secret(name)
		if err != nil {
			return nil, err
		}
		settings = append(settings, "edge = "+prefix+addr, "edge-secret-file = "+secret)
	}
	conf, err := b.lab.settings(name, settings...)
	if err != nil {
		return nil, err
	}
	pool, err := b.lab.start(ctx, name, true, func() error { return ready(ctx, b.adminSocket(name)) },
		filepath.Join(b.lab.bin, "pagemapd"), "--config", conf)
	return &contender{addr: addr, compresses: true, database: name, parts: append(parts, part{roleResponder, pool})}, err
}

func (b *bench) exact(ctx context.Context) (*contender, error) {
	return b.stack(ctx, "exact", "", nil, "pagemap.conf")
}

func (b *bench) edge(ctx context.Context) (*contender, error) {
	return b.stack(ctx, "edge", "http://", nil, "pagemap-edge.conf", "pagemap.conf")
}

var backendPort = regexp.MustCompile(`\.port = "\d+"`)

func (b *bench) varnish(ctx context.Context) (*contender, error) {
	return b.stack(ctx, "varnish", "varnish+http://", func(ctx context.Context, apache string) (string, []part, error) {
		shipped, err := os.ReadFile(filepath.Join(b.lab.source, "deploy/apache/varnish.vcl"))
		if err != nil {
			return "", nil, err
		}
		_, port, err := net.SplitHostPort(apache)
		if err != nil {
			return "", nil, err
		}
		if n := len(backendPort.FindAll(shipped, -1)); n != 1 {
			return "", nil, fmt.Errorf("deploy/apache/varnish.vcl names %d ports, want 1", n)
		}
		vcl := filepath.Join(b.lab.dir, "pagemap.vcl")
		if err := os.WriteFile(vcl, backendPort.ReplaceAll(shipped, []byte(`.port = "`+port+`"`)), 0o644); err != nil {
			return "", nil, err
		}
		p, addr, err := b.lab.varnish(ctx, "varnish-front", vcl, "-p", "http_gzip_support=off")
		return addr, []part{{"Varnish", p}}, err
	}, "pagemap.conf")
}

func (b *bench) embedded(ctx context.Context) (*contender, error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	mapping := filepath.Join(b.lab.dir, "mapping.csv")
	if err := os.WriteFile(mapping, b.mapping(), 0o644); err != nil {
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	p, err := b.lab.start(ctx, "embedded", true, connects("tcp", addr), filepath.Join(b.lab.bin, "pagemapd"),
		"--tree", b.site.dir, "--mapping", mapping, "--site", "http://"+host, "--http", addr,
		"--wiki", b.site.wiki, "--looks", b.site.looks)
	return &contender{addr: addr, compresses: true, parts: []part{{roleResponder, p}}}, err
}

// ready asks pagemapd's admin address whether the whole pool is.
func ready(ctx context.Context, socket string) error {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer t.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/readyz", nil)
	if err != nil {
		return err
	}
	res, err := t.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz: %s", res.Status)
	}
	return nil
}

// replace has a pool start anew, and waits until its old processes are gone.
func (b *bench) replace(ctx context.Context, pool *process) error {
	before, err := readProcesses()
	if err != nil {
		return err
	}
	root := pool.cmd.Process.Pid
	old := before.family(root)
	if err := pool.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return pool.await(ctx, time.Minute, func() error {
		now, err := readProcesses()
		if err != nil {
			return err
		}
		for _, pid := range now.family(root) {
			if pid != root && slices.Contains(old, pid) {
				return fmt.Errorf("process %d of the old pool is still there", pid)
			}
		}
		return ready(ctx, b.adminSocket("cold"))
	})
}
