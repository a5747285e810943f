package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestParseLoad(t *testing.T) {
	const good = "result requests=1000 duration=2000000 bytes=5000 connect=1 read=2 write=3 timeout=4 status=5 p50=900 p99=12000\n"
	check(t, parseLoad, []reading[load]{
		{
			name: "among wrk's own lines",
			text: "Running 2s test @ http://127.0.0.1:1/\n  2 threads and 32 connections\nRequests/sec:    500.00\n" + good,
			want: load{requests: 1000, bytes: 5000, status: 5, broken: 10, took: 2 * time.Second, p50: 900 * time.Microsecond, p99: 12 * time.Millisecond},
		},
		{name: "nothing", text: "unable to connect to 127.0.0.1:1 Connection refused\n", err: errNoResult},
		{name: "cut short", text: good[:60], err: errNoResult},
		{name: "no number", text: "result requests=-nan duration=1", err: errNoResult},
	})
}

// wrk asks for every path of the list, with the headers given, and counts what it got.
func TestGenerate(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	paths, script := filepath.Join(dir, "paths"), filepath.Join(dir, "load.lua")
	if err := writeLines(paths, []string{"/a", "/b?x", "/missing"}); err != nil {
		t.Fatal(err)
	}
	text, err := confFiles.ReadFile("conf/load.lua")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]int64{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Host+" "+r.Header.Get("X-Asked")+" "+r.URL.String()]++
		mu.Unlock()
		if r.URL.Path == "/missing" {
			http.Error(w, "missing", http.StatusNotFound)
		}
	})}
	go server.Serve(l)
	defer server.Close()
	got, err := generate(t.Context(), script, l.Addr().String(), paths, []string{"X-Asked: yes"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	var asked int64
	for _, path := range []string{"/a", "/b?x", "/missing"} {
		n := seen[host+" yes "+path]
		if n < got.requests/4 {
			t.Errorf("%s: %d times in %d requests", path, n, got.requests)
		}
		asked += n
	}
	if len(seen) != 3 || got.requests == 0 || asked < got.requests || asked > got.requests+connections {
		t.Errorf("%v; counted %+v", seen, got)
	}
	if got.broken != 0 || got.status < got.requests/4 || got.bytes == 0 || got.p50 == 0 || got.p99 < got.p50 || got.took < time.Second {
		t.Errorf("counted %+v", got)
	}
}
