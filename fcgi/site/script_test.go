// The scripts, against every way to reach the handler.

package site_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/site/sitetest"
)

const scripts = "testdata/*.txt"

func TestScriptsHandler(t *testing.T) {
	s := newStack(t, nil)
	sitetest.RunFiles(t, scripts, s.world, sitetest.Handler(s, "memory"))
}

func TestScriptsEmbedded(t *testing.T) {
	s := newStack(t, nil)
	sitetest.RunFiles(t, scripts, s.world, sitetest.Handler(s.Embedded(s.tree), "memory", "embedded"))
}

// TestScriptsHTTP runs them over net/http's server, as the embedded mode does.
func TestScriptsHTTP(t *testing.T) {
	s := newStack(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.Embedded(s.tree)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	target := sitetest.Dial("tcp", l.Addr().String(), "www.example.org", "http", "memory", "embedded")
	sitetest.RunFiles(t, scripts, s.world, target)
}

// TestScriptsFastCGI runs them through the FastCGI boundary.
func TestScriptsFastCGI(t *testing.T) {
	s := newStack(t, nil)
	sitetest.RunFiles(t, scripts, s.world, sitetest.FastCGI(listen(t, s, nil), "memory"))
}

// listen answers FastCGI requests with s, promptly where prompt does.
func listen(t testing.TB, s *stack, prompt func(*fcgi.Query, *fcgi.Answer) bool) net.Addr {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := fcgi.NewServer(s, fcgi.Options{DrainIdle: time.Millisecond, Prompt: prompt})
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return l.Addr()
}
