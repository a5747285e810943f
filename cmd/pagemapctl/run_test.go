package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/mapping/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// site is a database, a tree and the environment of commands that work on them.
type site struct {
	t    *testing.T
	env  map[string]string
	tree string
}

// newSite makes a tree of files; the database is empty.
func newSite(t *testing.T, files map[string]string) *site {
	t.Helper()
	s := offline(t, files)
	s.env["PAGEMAP_DATABASE"] = pgtest.Database(t)
	return s
}

// offline is a site without a database.
func offline(t *testing.T, files map[string]string) *site {
	t.Helper()
	s := &site{t: t, tree: t.TempDir()}
	for name, text := range files {
		name = filepath.Join(s.tree, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.env = map[string]string{
		"PAGEMAP_TREE": s.tree, "PAGEMAP_SITE": "https://www.example.org", "USER": "maria",
		"PAGEMAP_CONFIG": os.DevNull, // none of this machine's
	}
	return s
}

// result is what a command left.
type result struct {
	code     int
	out, err string
}

func (s *site) runWith(stdin string, args ...string) result {
	s.t.Helper()
	var out, err bytes.Buffer
	code := run(s.t.Context(), args, func(k string) string { return s.env[k] }, streams{strings.NewReader(stdin), &out, &err})
	return result{code, out.String(), err.String()}
}

// run runs a command that must end with the code.
func (s *site) run(code int, args ...string) result {
	s.t.Helper()
	r := s.runWith("", args...)
	if r.code != code {
		s.t.Errorf("pagemapctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	return r
}

// contains fails unless text has every part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

var files = map[string]string{
	"index.html":      "<h1>Home</h1>",
	"about.html":      "<h1>About</h1>",
	"docs/a b.html":   "<h1>A b</h1>",
	"files/tool.zip":  "PK",
	"old/.htaccess":   "Require ip 10\nRewriteEngine on\n",
	"old/secret.html": "secret",
	"form.php":        "<?php",
}

func TestLifeOfASite(t *testing.T) {
	s := newSite(t, files)
	r := s.run(3, "page", "list")
	contains(t, r.err, "pagemapctl migrate")
	contains(t, s.run(0, "migrate", "--dry-run").out, "in schema pagemap", "CREATE TABLE")
	contains(t, s.run(1, "migrate", "status").out, "pending")
	contains(t, s.run(0, "migrate").out, "applied 00001")
	contains(t, s.run(0, "migrate").out, "nothing to do")
	if out := s.run(0, "migrate", "status").out; strings.Contains(out, "pending") {
		t.Errorf("pending after migrate:\n%s", out)
	}

	contains(t, s.run(0, "populate", "--dry-run").out, "4 would be added", "Needing a decision", "/form.php", "/old/")
	if out := s.run(0, "page", "list").out; out != "" {
		t.Errorf("a dry run wrote\n%s", out)
	}
	contains(t, s.run(0, "populate").out, "4 added, 0 unchanged")
	contains(t, s.run(0, "populate").out, "0 added, 4 unchanged")
	want := "200\t/\tfile:/index.html\n200\t/about.html\tfile:/about.html\n200\t/docs/a%20b.html\tfile:/docs/a%20b.html\n200\t/files/tool.zip\tfile:/files/tool.zip\n"
	if out := s.run(0, "page", "list").out; out != want {
		t.Errorf("page list =\n%swant\n%s", out, want)
	}

	contains(t, s.run(0, "page", "set", "/about.html", "200", "wiki:About", "-m", "first page", "--tag", "wiki").out, "1 changed")
	contains(t, s.run(0, "page", "set", "/about.html", "200", "wiki:About", "--tag", "wiki").out, "nothing to do")
	contains(t, s.run(0, "page", "get", "https://www.example.org/about.html").out, "wiki:About", "by maria", "tags     wiki", "origin   cli")
	contains(t, s.run(1, "page", "get", "/nope").err, "/nope")
	if out := s.run(1, "page", "get", "--json", "/nope").out; out != "[]\n" {
		t.Errorf("page get --json of no page: %q", out)
	}
	contains(t, s.run(3, "page", "set", "/l1", "301", "/l1/").err, "loop")

	csv := "path,status,source,tags,note\n/old/*,301,/new/*,moved,by mail\n/gone.html,410,,,\n"
	if r := s.runWith(csv, "page", "set", "-", "-m", "spring cleaning"); r.code != 0 {
		t.Fatalf("page set -: %+v", r)
	}
	contains(t, s.run(0, "page", "list", "--status", "301").out, "301\t/old/*\t/new/*")
	contains(t, s.run(0, "page", "list", "--csv", "--origin", "cli").out, "/gone.html,410", "/old/*,301,/new/*,keep,moved,by mail")
	var listed struct{ Path, Note, Origin string }
	if err := json.Unmarshal([]byte(s.run(0, "page", "list", "--json", "--tag", "moved").out), &listed); err != nil || listed.Path != "/old/*" || listed.Note != "by mail" || listed.Origin != "cli" {
		t.Errorf("page list --json: %+v, %v", listed, err)
	}

	// All or none.
	r = s.runWith("path,status,source\n/x,301,/y\n/z,301,javascript:1\n", "page", "set", "-")
	if r.code != 2 {
		t.Errorf("a bad line: exit code %d", r.code)
	}
	contains(t, r.err, "standard input", "line 3", "javascript:1")
	s.run(1, "page", "get", "/x")

	contains(t, s.run(0, "explain", "/old/page.html").out, "prefix", "/old/*", "301 Moved Permanently", "Location: /new/page.html")
	contains(t, s.run(0, "explain", "/index.html").out, "200 OK", `rel="canonical"`)
	contains(t, s.run(0, "explain", "/files/tool.zip").out, "302 Found", "Location: /data/files/tool.zip")
	contains(t, s.run(1, "explain", "/gone.html").out, "410 Gone")
	contains(t, s.run(1, "explain", "/about.html").out, "503 Service Unavailable", "wiki:About")

	contains(t, s.run(0, "page", "rm", "/about.html", "/gone.html").out, "2 removed")
	contains(t, s.run(1, "page", "rm", "/gone.html").err, "/gone.html")
	contains(t, s.run(0, "explain", "/about.html").out, "200 OK", "file:/about.html")

	if err := os.Remove(filepath.Join(s.tree, "docs/a b.html")); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(0, "populate").out, "1 vanished, 0 pruned")
	contains(t, s.run(0, "populate", "--prune").out, "1 pruned")
	s.run(1, "page", "get", "/docs/a%20b.html")
}

func TestExplainWithoutDatabase(t *testing.T) {
	s := offline(t, files)
	moved := filepath.Join(t.TempDir(), "moved.csv")
	if err := os.WriteFile(moved, []byte("path,status,source\n/a,301,/b\n/b,302,/about.html\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := s.run(0, "explain", "--mapping", moved, "--json", "/a?x=1", "//about.html")
	var got []struct {
		URL, Row string
		Status   int
		Header   map[string][]string
		Steps    []struct{ Rule, Path, Outcome string }
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Status != 302 || got[0].Header["Location"][0] != "/about.html?x=1" || got[0].Row != "/a" || len(got[0].Steps) < 3 {
		t.Errorf("explain = %+v", got)
	}
	if got[1].Status != 301 || got[1].Header["Cache-Control"][0] != "no-store" {
		t.Errorf("explain of a spelling = %+v", got[1])
	}
	contains(t, s.run(2, "page", "set", "/a", "410").err, "--database", "mapping file")
	contains(t, s.run(3, "explain", "--mapping", "/nonexistent.csv", "/a").err, "/nonexistent.csv")
}

// An interrupt ends a command that waits for somebody to type.
func TestInterruptedInput(t *testing.T) {
	s := offline(t, nil)
	silent, typed := io.Pipe()
	defer typed.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	var err bytes.Buffer
	code := run(ctx, []string{"page", "set", "-"}, func(k string) string { return s.env[k] }, streams{silent, io.Discard, &err})
	if code != 3 || !strings.Contains(err.String(), "interrupted") {
		t.Errorf("exit code %d: %s", code, &err)
	}
}

// A command whose output is lost fails.
func TestLostOutput(t *testing.T) {
	s := newSite(t, files)
	s.run(0, "migrate")
	s.run(0, "populate")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{
		"migrate status", "migrate", "config", "config --json", "populate", "populate --json", "explain /about.html",
		"page list", "page list --json", "page list --csv", "page get /about.html", "page rm /about.html", "apache", "check", "check --json", "--help",
	} {
		var text bytes.Buffer
		code := run(t.Context(), strings.Fields(args), func(k string) string { return s.env[k] }, streams{strings.NewReader(""), full, &text})
		if code != 3 || !strings.Contains(text.String(), "no space left") {
			t.Errorf("%s: exit code %d: %s", args, code, &text)
		}
	}
}

func TestWrongUse(t *testing.T) {
	s := offline(t, nil)
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{name: "unknown command", args: []string{"frobnicate"}, want: []string{"frobnicate"}},
		{name: "unknown sub-command", args: []string{"page", "frobnicate"}, want: []string{"frobnicate"}},
		{name: "unknown flag", args: []string{"migrate", "--frobnicate"}, want: []string{"--frobnicate"}},
		{name: "no path", args: []string{"page", "get"}, want: []string{"arg"}},
		{name: "no status", args: []string{"page", "set", "/a"}, want: []string{"/a", "status"}},
		{name: "bad status", args: []string{"page", "set", "/a", "gone"}, want: []string{`"gone"`}},
		{name: "bad path", args: []string{"page", "set", "a", "410"}, want: []string{`"a"`}},
		{name: "other host", args: []string{"page", "set", "https://other.example/a", "410"}, want: []string{"other.example"}},
		{name: "bad target", args: []string{"page", "set", "/a", "301", "//evil.example"}, want: []string{"//evil.example"}},
		{name: "dash and more", args: []string{"page", "set", "-", "410"}, want: []string{"standard input"}},
		{name: "dash and flags", args: []string{"page", "set", "-", "--note", "x"}, want: []string{"standard input", "column"}},
		{name: "no database", args: []string{"migrate"}, want: []string{"--database"}},
		{name: "bad setting", args: []string{"config", "--log-level", "loud"}, want: []string{"log-level"}},
		{name: "bad origin", args: []string{"page", "list", "--origin", "moon"}, want: []string{"moon"}},
		{name: "bad module", args: []string{"apache", "--module", "php"}, want: []string{"php"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := s.run(2, tt.args...)
			contains(t, r.err, append(tt.want, "pagemapctl: ", "--help")...)
		})
	}
}

func TestConfig(t *testing.T) {
	s := offline(t, nil)
	contains(t, s.run(0, "config").out, "tree ", "environment PAGEMAP_TREE", "# default")
	contains(t, s.run(0, "config", "--example").out, "#schema = pagemap")
	contains(t, s.run(0, "config", "--markdown").out, "| `schema` |")
	contains(t, s.run(0, "config", "--json", "--schema", "other").out, `"value": "other"`, `"origin": "flag --schema"`)
	contains(t, s.run(0, "completion", "bash").out, "pagemapctl")
	for _, cmd := range [][]string{{}, {"page"}, {"page", "set"}, {"explain"}, {"populate"}, {"migrate"}, {"apache"}, {"config"}} {
		contains(t, s.run(0, append(cmd, "--help")...).out, "Examples:")
	}
}

// What apache prints is accepted by Apache.
func TestApache(t *testing.T) {
	s := offline(t, files)
	out := s.run(0, "apache").out
	contains(t, out, "Define PAGEMAP_TREE", "ProxyPass", "old")
	contains(t, s.run(0, "apache", "--listen", "tcp:127.0.0.1:9000").out, "127.0.0.1:9000")
	contains(t, s.run(0, "apache", "--member", "app1:9000,app2:9000").out, "app2:9000")
	contains(t, s.run(0, "apache", "--module", "fcgid").out, "fcgid")
	contains(t, s.run(0, "apache", "--edge").out, "CacheEnable socache")
	s.run(2, "apache", "--edge", "--module", "fcgid")

	apache2, err := exec.LookPath("apache2")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	conf := filepath.Join(t.TempDir(), "site.conf")
	modules := ""
	for _, m := range []string{"mpm_event", "authz_core", "authz_host", "mime", "alias", "env", "headers", "allowmethods", "proxy", "proxy_fcgi"} {
		modules += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
	}
	text := modules + "ServerName x\nListen 127.0.0.1:1\nErrorLog /dev/null\n<VirtualHost *:1>\n" + out + "</VirtualHost>\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(apache2, "-t", "-f", conf).CombinedOutput(); err != nil {
		t.Errorf("apache2 -t: %v\n%s", err, msg)
	}
}
