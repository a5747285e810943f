// Without a database: plain HTTP, the example site, a mapping file that changes.

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// embedded is the program run inside the test.
type embedded struct {
	t    *testing.T
	url  string // without a slash at its end
	log  *buffer
	stop func() int // ends it and returns the exit code
}

// runEmbedded runs the program with plain HTTP until the test ends.
func runEmbedded(t *testing.T, args ...string) *embedded {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	e := &embedded{t: t, log: &buffer{}}
	code := make(chan int, 1)
	go func() {
		c := run(ctx, append([]string{"--http", "127.0.0.1:0"}, args...), noSettings, stdout, e.log)
		stdout.Close()
		code <- c
	}()
	e.stop = func() int { cancel(); c := <-code; code <- c; return c }
	t.Cleanup(func() {
		if c := e.stop(); c != 0 {
			t.Errorf("exit code %d", c)
		}
		if t.Failed() {
			t.Log(e.log)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no URL on standard output: %v\n%s", err, e.log)
	}
	e.url = strings.TrimSuffix(line, "/\n")
	return e
}

// noSettings is an environment that keeps the machine's settings file out.
func noSettings(name string) string {
	if name == "PAGEMAP_CONFIG" {
		return os.DevNull
	}
	return ""
}

// get requests a path and returns the answer and its body, following no redirect.
func (e *embedded) get(path string, header ...string) (*http.Response, string) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), "GET", e.url+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return res, string(body)
}

func (e *embedded) status(path string) int {
	e.t.Helper()
	res, _ := e.get(path)
	return res.StatusCode
}

func TestExampleSite(t *testing.T) {
	e := runEmbedded(t)
	for _, test := range []struct {
		path     string
		status   int
		location string
		text     string // somewhere in the body
	}{
		{path: "/", status: 200, text: "A lighthouse with an old web site"},
		{path: "/visit.html", status: 200, text: "143 steps"},
		{path: "/visit%2Ehtml", status: 200, text: "143 steps"},
		{path: "/notes/open%20day.html", status: 200, text: "soup"},
		{path: "/notes/bulletin-1998.html", status: 200, text: "Se\xf1or N\xfa\xf1ez"},
		{path: "/history/index.html", status: 200, text: "1911"},
		{path: "/img/tower.svg", status: 200, text: "<svg"},
		{path: "/VISIT.HTML", status: 301, location: "/visit.html"},
		{path: "/people", status: 301, location: "/people/"},
		{path: "/directions.htm", status: 301, location: "/visit.html"},
		{path: "/staff/ana-reyes.html?from=mail", status: 301, location: "/people/ana-reyes.html?from=mail"},
		{path: "/cgi-bin/show.cgi?lang=en&page=tides", status: 301, location: "/tides.txt"},
		{path: "/cgi-bin/show.cgi", status: 410},
		{path: "/today", status: 302, location: "/notes/open%20day.html"},
		{path: "/guestbook.html", status: 410},
		{path: "/boats/Gannet", status: 200, text: "<title>The Gannet - Tern Island Light</title>"},
		{path: "/boats/Dunlin", status: 200, text: `<a href="/boats/Gannet">Gannet</a>`},
		{path: "/boats/gannet", status: 404},
		{path: "/gannet.html", status: 301, location: "/boats/Gannet"},
		{path: "/notes/draft.html", status: 404},
		{path: "/downloads/tide-tables.zip", status: 302, location: "/data/downloads/tide-tables.zip"},
		{path: "/data/downloads/tide-tables.zip", status: 200, text: "PK"},
		{path: "/nothing/here", status: 404},
	} {
		res, body := e.get(test.path)
		if res.StatusCode != test.status || res.Header.Get("Location") != test.location || !strings.Contains(body, test.text) {
			t.Errorf("%s: %d to %q, want %d to %q, with %q in the body", test.path, res.StatusCode, res.Header.Get("Location"), test.status, test.location, test.text)
		}
	}
	// The home page names every kind of answer, and each of its links is one.
	if n := strings.Count(func() string { _, body := e.get("/"); return body }(), "<td><a href="); n < 10 {
		t.Errorf("the home page has %d examples to try", n)
	}
	if code := e.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "pagemap-example-*")); len(left) > 0 && strings.Contains(e.log.String(), left[0]) {
		t.Errorf("left behind: %v", left)
	}
}

func TestMappingFileIsReread(t *testing.T) {
	d := dir(t)
	file := filepath.Join(d, "mapping.csv")
	write(t, d+"/tree/a.html", "<p>a")
	write(t, file, "path,status,source\n/old,301,/a.html\n/a.html,410,\n")
	e := runEmbedded(t, "--tree", d+"/tree", "--mapping", file)
	if e.status("/a.html") != 410 || e.status("/new") != 404 {
		t.Fatal("the first mapping is not in force")
	}

	write(t, file, "path,status,source\n/new,302,/a.html\n")
	took := eventually(t, time.Second, "the new rows", func() bool { return e.status("/new") == 302 })
	if e.status("/a.html") != 200 || e.status("/old") != 404 {
		t.Errorf("the file is %d and the old row %d: want the rows of the old file gone", e.status("/a.html"), e.status("/old"))
	}
	t.Logf("a change showed after %s", took)

	for _, bad := range []struct{ name, text, log string }{
		{"bad status", "path,status,source\n/new,299,/a.html\n/newer,302,/a.html\n", "line 2"},
		{"loop", "path,status,source\n/x,301,/y\n/y,301,/x\n", "comes back to itself"},
		{"half a file", "path,sta", "status"},
	} {
		write(t, file, bad.text)
		eventually(t, 5*time.Second, bad.name+" in the log", func() bool {
			return strings.Contains(e.log.String(), "the old table stays in force") && strings.Contains(e.log.String(), bad.log)
		})
		if e.status("/new") != 302 || e.status("/newer") != 404 || e.status("/x") != 404 {
			t.Errorf("%s: the old table is not in force", bad.name)
		}
	}

	replacement := file + ".new"
	write(t, replacement, "path,status,source\n/newest,410,\n")
	if err := os.Rename(replacement, file); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Second, "the file that took the old one's place", func() bool { return e.status("/newest") == 410 })
}

func TestTreeChanges(t *testing.T) {
	d := dir(t)
	write(t, d+"/a.html", "first")
	e := runEmbedded(t, "--tree", d)
	if _, body := e.get("/a.html"); body != "first" {
		t.Fatalf("body %q", body)
	}
	write(t, d+"/a.html", "second")
	eventually(t, time.Second, "the changed file", func() bool { _, body := e.get("/a.html"); return body == "second" })
	write(t, d+"/sub/b.html", "new")
	eventually(t, time.Second, "the new file", func() bool { return e.status("/sub/b.html") == 200 })
	eventually(t, time.Second, "the new file in another case", func() bool { return e.status("/SUB/B.html") == 301 })
	if err := os.Remove(d + "/a.html"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Second, "404 of the removed file", func() bool { return e.status("/a.html") == 404 })
}

func TestWrongUse(t *testing.T) {
	d := dir(t)
	write(t, d+"/bad.csv", "path,status,source\n/a,301,javascript:x\n")
	write(t, d+"/key", "not private")
	if err := os.Chmod(d+"/key", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		text string // in the error
	}{
		{"unknown flag", []string{"--nonsense"}, 2, "nonsense"},
		{"argument", []string{"serve"}, 2, "serve"},
		{"bad value", []string{"--memory", "lots"}, 2, "memory"},
		{"two transports", []string{"--http", "127.0.0.1:0", "--listen", "fd:0"}, 2, "http and listen"},
		{"public HTTP", []string{"--http", "0.0.0.0:0"}, 2, "allow-public"},
		{"public FastCGI", []string{"--listen", "tcp:0.0.0.0:0"}, 3, "not loopback"},
		{"public admin pages", []string{"--listen", "unix:" + d + "/s", "--admin", ":9100", "--workers", "1"}, 2, "loopback"},
		{"no such tree", []string{"--http", "127.0.0.1:0", "--tree", d + "/none"}, 3, "no such file"},
		{"bad mapping file", []string{"--http", "127.0.0.1:0", "--mapping", d + "/bad.csv"}, 3, "line 2"},
		{"secret that others may read", []string{"--http", "127.0.0.1:0", "--memcached-key-file", d + "/key"}, 3, "chmod 600"},
		{"memcached elsewhere without a key", []string{"--http", "127.0.0.1:0", "--memcached", "192.0.2.1:11211"}, 3, "key"},
		{"no systemd", []string{"--listen", "systemd"}, 3, "systemd"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var out, log buffer
			code := run(ctx, test.args, noSettings, &out, &log)
			if code != test.code || !strings.Contains(log.String(), test.text) {
				t.Errorf("exit code %d, want %d with %q in\n%s", code, test.code, test.text, &log)
			}
		})
	}
}
