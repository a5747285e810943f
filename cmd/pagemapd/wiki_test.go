// Pages of a wiki, served by the program.

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/render/wiki/mediawikitest"
)

// TestWiki: settings, wiki and looks are put together.
func TestWiki(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("site/index.html", "<p>home</p>")
	put("wiki/About.md", "# About us\n\n[Other](Other.md) and [home](https://www.example.org/)\n")
	put("looks/layout.html", "<title><!--pagemap:title--></title><p>the look</p><div><!--pagemap:body--></div>")
	put("wiki/img/photo.jpg", strings.Repeat("0123456789", 300_000))
	put("wiki/img/large.svg", "<svg>"+strings.Repeat("<g/>", 300_000)+"</svg>")
	put("mapping.csv", "path,status,source\n/about.html,200,wiki:About\n/none.html,200,wiki:None\n/img/*,200,wiki:img/*\n")
	args := []string{
		"--tree", filepath.Join(dir, "site"), "--mapping", filepath.Join(dir, "mapping.csv"),
		"--looks", filepath.Join(dir, "looks"), "--site", "https://www.example.org",
	}
	t.Run("directory", func(t *testing.T) {
		e := runEmbedded(t, append(args, "--wiki", filepath.Join(dir, "wiki"))...)
		res, body := e.get("/about.html")
		for _, want := range []string{"<title>About us</title>", "<p>the look</p>", "<span>Other</span>", `<a href="/">home</a>`} {
			if res.StatusCode != 200 || !strings.Contains(body, want) {
				t.Errorf("the page is %d %s; want %q in it", res.StatusCode, body, want)
			}
		}
		if e.status("/none.html") != 404 {
			t.Error("a page that the wiki has not got is not 404")
		}
		res, body = e.get("/img/photo.jpg")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/jpeg" || len(body) != 3_000_000 || res.Header.Get("ETag") == "" {
			t.Errorf("a large photo is %d %v, %d bytes", res.StatusCode, res.Header, len(body))
		}
		if res, body := e.get("/img/photo.jpg", "Range", "bytes=2999995-"); res.StatusCode != 206 || body != "56789" {
			t.Errorf("its last bytes are %d %q", res.StatusCode, body)
		}
		if status := e.status("/img/large.svg"); status != 404 {
			t.Errorf("a large SVG is %d", status)
		}
		put("wiki/About.md", "# About us\n\nedited\n")
		for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if _, body := e.get("/about.html"); strings.Contains(body, "edited") {
				break
			}
			if time.Since(begin) > 2*time.Second {
				t.Fatal("an edit does not show")
			}
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		e := runEmbedded(t, append(args, "--wiki", "mediawiki+http://"+l.Addr().String()+"/api.php")...)
		res, body := e.get("/about.html")
		if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || strings.Contains(body, "127.0.0.1") {
			t.Errorf("without a wiki: %d %v %s", res.StatusCode, res.Header, body)
		}
		if e.status("/") != 200 {
			t.Error("without a wiki files are not served")
		}
	})
	t.Run("none", func(t *testing.T) {
		e := runEmbedded(t, args[:4]...)
		if e.status("/about.html") != 503 {
			t.Error("with no wiki set a wiki's page is not 503")
		}
	})
}

// TestMediaWiki: a real wiki is edited, stopped under load and started again.
func TestMediaWiki(t *testing.T) {
	server := mediawikitest.Start(t, mediawikitest.Options{})
	server.Write("About us", "first text, see [[Other page]] and [[Nowhere]]")
	server.Write("Other page", "other")
	dir := t.TempDir()
	rows := "path,status,source\n/about.html,200,wiki:About us\n/other.html,200,wiki:other_page\n/unseen.html,200,wiki:Unseen\n"
	if err := os.WriteFile(filepath.Join(dir, "mapping.csv"), []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	e := runEmbedded(t, "--mapping", filepath.Join(dir, "mapping.csv"), "--wiki", "mediawiki+"+server.API())
	shows := func(text string) time.Duration {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			res, body := e.get("/about.html")
			if res.StatusCode == 200 && strings.Contains(body, text) {
				return time.Since(begin)
			}
			if time.Since(begin) > 15*time.Second { // of a machine under load
				t.Fatalf("after 15 s the page does not show %q: %d %s", text, res.StatusCode, body)
			}
		}
	}
	shows("first text")
	_, body := e.get("/about.html")
	if !strings.Contains(body, `href="/other.html"`) || !strings.Contains(body, "Nowhere") {
		t.Errorf("the links of the page: %s", body)
	}
	// The same wiki as one that only shows pages at URLs.
	bare := runEmbedded(t, "--mapping", filepath.Join(dir, "mapping.csv"), "--wiki", server.URL()+"/index.php?title={page}&action=render")
	if res, body := bare.get("/about.html"); res.StatusCode != 200 || !strings.Contains(body, "first text") || !strings.Contains(body, "Nowhere") {
		t.Errorf("at its URL the page is %d %s", res.StatusCode, body)
	}
	if status := bare.status("/unseen.html"); status != 404 {
		t.Errorf("at its URL a page that is not there is %d", status)
	}

	server.Write("About us", "second text")
	t.Logf("an edit showed after %v", shows("second text"))

	done := make(chan struct{})
	var reading sync.WaitGroup
	var failed, read atomic.Int64
	for range 4 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				read.Add(1)
				if e.status("/about.html") != 200 {
					failed.Add(1)
				}
			}
		})
	}
	server.Stop()
	stale := false
	for begin := time.Now(); !stale && time.Since(begin) < 15*time.Second; time.Sleep(20 * time.Millisecond) {
		res, _ := e.get("/about.html")
		stale = strings.Contains(res.Header.Get("Cache-Status"), "detail=stale")
	}
	if !stale {
		t.Error("with the wiki stopped the page is not marked stale")
	}
	if status := e.status("/unseen.html"); status != 503 {
		t.Errorf("with the wiki stopped a page never seen is %d", status)
	}
	server.Start()
	server.Write("About us", "third text")
	t.Logf("an edit after the return showed after %v", shows("third text"))
	close(done)
	reading.Wait()
	if n := failed.Load(); n > 0 {
		t.Errorf("%d of %d requests failed", n, read.Load())
	}
}
