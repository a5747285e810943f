// What the tests of this package share: servers with and without the boundary.

package fcgi_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// side is one of the two that every hazard is tried on.
type side struct {
	t      testing.TB
	addr   net.Addr
	server *fcgi.Server // nil: bare net/http/fcgi
}

// socket listens on a unix socket that only this test knows.
func socket(t testing.TB) net.Listener {
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
	t.Cleanup(func() { l.Close() })
	return l
}

// behind starts a server with the boundary.
func behind(t testing.TB, h http.Handler, o fcgi.Options) side {
	t.Helper()
	return serve(t, socket(t), h, o)
}

func serve(t testing.TB, l net.Listener, h http.Handler, o fcgi.Options) side {
	t.Helper()
	if o.DrainIdle == 0 {
		o.DrainIdle = time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(logWriter{t}, nil))
	}
	s := fcgi.NewServer(h, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if left := s.Stats(); left.Connections != 0 || left.InFlight != 0 {
			t.Errorf("after Shutdown: %d connections, %d handlers", left.Connections, left.InFlight)
		}
	})
	return side{t, l.Addr(), s}
}

// bare starts net/http/fcgi alone.
func bare(t testing.TB, h http.Handler) side {
	t.Helper()
	l := socket(t)
	go func() { _ = nethttpfcgi.Serve(l, h) }()
	return side{t, l.Addr(), nil}
}

// dial connects; the connection ends with the test.
func (s side) dial() *fcgitest.Conn {
	s.t.Helper()
	c, err := fcgitest.Dial(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// do sends a request on a connection of its own.
func (s side) do(r fcgitest.Request) (*fcgitest.Response, error) {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	return c.Do(r)
}

// logWriter logs into a test that is still running.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

// eventually waits until ok, at most 5 seconds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
