package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
)

// then is when every file was changed.
var then = time.Date(2006, 10, 17, 8, 30, 15, 0, time.UTC)

// Two plain Apaches: over one tree there is no difference, over two there are
// exactly those that were made, and they are found through links as well.
func TestCompareServers(t *testing.T) {
	conf, err := filepath.Abs("plain.conf")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"index.html":           `<a href="a%20b.html?q=1">x</a> <a href="missing.html">y</a> <img src="sub//x.png">`,
		"a b.html":             "<p>text",
		"sub/x.png":            "picture",
		"sub/index.html.ko":    "<p>ko",
		"latin.html.iso8859-2": "<p>latin",
	}
	serve := func(change map[string]string) (dir, addr string) {
		dir = apachetest.Dir(t)
		for name, text := range files {
			if other, ok := change[name]; ok {
				text = other
			}
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, then, then); err != nil {
				t.Fatal(err)
			}
		}
		s := apachetest.Start(t, apachetest.Options{
			Site: `Include "` + conf + `"`, Defines: map[string]string{"PARITY_TREE": dir},
		})
		return dir, s.Addr
	}
	dir, plain := serve(nil)
	_, equal := serve(nil)
	_, other := serve(map[string]string{"a b.html": "<p>changed"})
	tests := []struct {
		name  string
		stack string
		code  int
		want  []string
	}{
		// 5 files, the directory twice, the root; 3 links that are none of these.
		{"equal", equal, 0, []string{"11 requests", " 0 differences, 0 unexplained"}},
		{"different", other, 1, []string{" 2 differences, 2 unexplained", "/a%20b.html  ", "/a%20b.html?q=1  ", "bytes, were 7"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, progress strings.Builder
			code, err := run(t.Context(), []string{"-tree", dir, "-plain", plain, "-stack", tt.stack}, &out, &progress)
			if err != nil || code != tt.code {
				t.Errorf("code %d, %v, want %d", code, err, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-tree", "x"}, {"-tree", "x", "-plain", "a:1", "-stack", "b:1", "more"}, {"-nope"}} {
		var out, progress strings.Builder
		if code, _ := run(t.Context(), args, &out, &progress); code != 2 {
			t.Errorf("run(%q) = %d, want 2", args, code)
		}
	}
}
