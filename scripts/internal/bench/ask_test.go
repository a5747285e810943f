package main

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

func TestAsk(t *testing.T) {
	const page = "<p>a page</p>"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch accept := r.Header.Get("Accept-Encoding"); {
		case r.Host != host:
			http.Error(w, r.Host, http.StatusBadRequest)
		case r.URL.Path == "/last":
			w.Header().Set("Connection", "close")
		case r.URL.Path == "/wrong":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte(page))
		case strings.Contains(accept, "br"):
			w.Header().Set("Content-Encoding", "br")
			z := brotli.NewWriter(w)
			z.Write([]byte(page))
			z.Close()
		case strings.Contains(accept, "gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write([]byte(page))
			z.Close()
		default:
			w.Write([]byte(page))
		}
	}))
	defer server.Close()
	addr := server.Listener.Addr().String()
	c := &client{addr: addr}
	defer c.close()
	for _, accept := range []string{"identity", "gzip", "gzip, br"} {
		a, err := c.ask("/", []string{"Accept-Encoding: " + accept})
		if err != nil || a.status != 200 || string(a.body) != page || a.size < len(page)/2 {
			t.Errorf("%s: %+v, %v", accept, a, err)
		}
	}
	if a, err := c.ask("/last", nil); err != nil || a.status != 200 || c.conn != nil {
		t.Errorf("/last: %+v, %v; connection %v", a, err, c.conn)
	}
	if _, err := c.ask("/wrong", nil); err == nil {
		t.Error("a body that is not in the coding that it names was taken")
	}
	if a, err := c.ask("/", nil); err != nil || string(a.body) != page {
		t.Errorf("after a failure: %+v, %v", a, err)
	}
	if err := warm(t.Context(), addr, []string{"/", "/last"}, nil, 200, 50*time.Millisecond); err != nil {
		t.Error(err)
	}
	if err := warm(t.Context(), addr, []string{"/"}, nil, 404, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "status 200, want 404") {
		t.Errorf("warming with another status: %v", err)
	}
}
