package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/mapping/check"
)

func TestCheckCommand(t *testing.T) {
	var agent string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.WriteHeader(http.StatusNotFound)
	}))
	defer other.Close()
	s := newSite(t, files)
	s.run(0, "migrate")
	s.run(0, "populate")
	contains(t, s.run(1, "check").out, "2 unreached", "/form.php", "pagemapctl page set /form.php 410", "2 findings in 4 rows, 4 files")
	out := s.run(0, "check", "--kind", "loop,deep,chain,dead,vanished,twins,hidden,bad,unrecorded").out
	contains(t, out, "0 findings in 4 rows, 4 files")

	s.run(0, "page", "set", "/a", "301", "/nowhere")
	s.run(0, "page", "set", "/b", "301", "/a")
	s.run(0, "page", "set", "/about.html", "200", "wiki:About")
	s.run(0, "page", "set", "/c", "302", other.URL+"/x")
	if err := os.Remove(filepath.Join(s.tree, "docs/a b.html")); err != nil {
		t.Fatal(err)
	}
	out = s.run(1, "check", "--findings", "1").out
	contains(t, out, "2 dead", "and 1 more", "/nowhere is answered by no row and no file here", "1 vanished", "pagemapctl populate --prune")
	if strings.Contains(out, "replaced") || strings.Contains(out, "external") {
		t.Errorf("kinds that nobody asked for:\n%s", out)
	}
	contains(t, s.run(1, "check", "--kind", "replaced").out, "/about.html", "wiki:About")
	contains(t, s.run(1, "check", "--kind", "chain,dead", "--elsewhere", "/nowhere").out, "1 chain", "pagemapctl page set /b 301 /nowhere")

	contains(t, s.run(1, "check", "--external", "--kind", "external").out, "1 external", "not a public address", "1 URLs on other hosts")
	contains(t, s.run(1, "check", "--external", "--kind", "external", "--allow-host", "127.0.0.1").out, "/c", "answers 404 Not Found")
	if agent != "pagemapctl-check (+https://www.example.org)" {
		t.Errorf("User-Agent %q", agent)
	}

	var kinds []string
	for line := range strings.Lines(s.run(1, "check", "--json", "--kind", "dead,vanished,hidden").out) {
		var f check.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.Path == "" || f.Detail == "" || f.Command == "" {
			t.Fatalf("%s: %+v, %v", line, f, err)
		}
		kinds = append(kinds, string(f.Kind))
	}
	if strings.Join(kinds, " ") != "dead dead vanished" {
		t.Errorf("kinds %q", kinds)
	}

	contains(t, s.run(2, "check", "--kind", "loops").err, "loops", "unrecorded")
	contains(t, s.run(2, "check", "--kind", "external").err, "--external")
	contains(t, s.run(2, "check", "--elsewhere", "wiki").err, "--elsewhere")
	contains(t, s.run(0, "check", "--help").out, "Examples:")
}

// TestCheckWithoutDatabase: tree and mapping file alone.
func TestCheckWithoutDatabase(t *testing.T) {
	s := offline(t, map[string]string{"index.html": "x"})
	moved := filepath.Join(t.TempDir(), "moved.csv")
	if err := os.WriteFile(moved, []byte("path,status,source\n/a,301,/b\n/b,301,/a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(1, "check", "--mapping", moved).out, "2 loop", "2 findings in 2 rows, 1 files")
}
