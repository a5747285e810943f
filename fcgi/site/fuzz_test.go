// Hostile targets and headers.

package site_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
)

// FuzzHandler: whatever a request says, the answer is sane, none of ours fails,
// and a page is one of the tree's that may be served.
func FuzzHandler(f *testing.F) {
	for _, target := range []string{
		"/", "/about.html", "/%61bout.html?x=1", "//about.html", "/docs/../about.html", "/..%2f..%2fetc/passwd",
		"/%00", "/%zz", "http://h/about.html", "/moved?a=%0d%0a", "/merge?keep=2&\x80=\\", "/old/../../x", "/q?id=1",
		"/mirror/../private/secret.html", "/mirror/.hidden.html", "/private/secret.html", "/links/escape.txt",
		"/data/files/0123.bin", "/data/private/secret.html", "/data/../.git/config", "/ABOUT.HTML", "/\\evil", "*", "",
		"/away/\xff?#", "/gone-see", "/fifo.html", "/big.html",
	} {
		f.Add(target, "")
	}
	f.Add("/0123.txt", "Range: bytes=0-1,5-6\nIf-Range: \"x\"")
	f.Add("/0123.txt", "Range: bytes=-0")
	f.Add("/about.html", "Accept-Encoding: gzip;q=0.5\nIf-None-Match: W/\"a\", *")
	f.Add("/about.html", "Accept-Encoding: gzip, deflate, br")
	f.Add("/about.html", "If-Match: \"x-gzip\"\nIf-Modified-Since: Tue, 17 Oct 2006 08:30:15 GMT")

	s := newStack(f, nil)
	served := servable(f, s.world.Dir)
	targets := []sitetest.Target{sitetest.Handler(s), sitetest.Handler(s.Embedded(s.tree))}
	f.Fuzz(func(t *testing.T, target, lines string) {
		q := sitetest.Request{Method: http.MethodGet, Target: target, Proto: "HTTP/1.1"}
		for line := range strings.SplitSeq(lines, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				q.Header = append(q.Header, sitetest.Field{Name: name, Value: value})
			}
		}
		for _, h := range targets {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				q.Method = method
				res, err := h.Do(q)
				if err != nil {
					t.Fatal(err)
				}
				if err := sitetest.Sane(q, res); err != nil {
					t.Errorf("%s: %v", method, err)
				}
				if method == http.MethodGet && res.Status == http.StatusOK && !served[sha256.Sum256(identity(t, res))] {
					t.Errorf("a page that is none of the tree's: %.100q", res.Body)
				}
			}
		}
	})
}

// servable is the hash of every file of the tree that may be served.
func servable(t testing.TB, dir string) map[[32]byte]bool {
	all := map[[32]byte]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(name, dir+"/")
		if err != nil || !d.Type().IsRegular() || mapping.Denied(rel) != "" || strings.HasPrefix(rel, "private/") {
			return err
		}
		content, err := os.ReadFile(name)
		all[sha256.Sum256(content)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// identity is a body without its encoding.
func identity(t testing.TB, res *sitetest.Response) []byte {
	body := io.Reader(bytes.NewReader(res.Body))
	var err error
	switch res.Header.Get("Content-Encoding") {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "br":
		body = brotli.NewReader(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}
