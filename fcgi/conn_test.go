// The numbers of a connection's requests.

package fcgi

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
)

// A handler that outlives its request by 65,535 others adds nothing to the answer
// of the one that has its number then.
func TestNumberIsTakenAgain(t *testing.T) {
	stuck, returned := make(chan struct{}), make(chan struct{})
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/stuck" {
			<-stuck
			defer close(returned)
			return
		}
		close(stuck)
		<-returned
		time.Sleep(50 * time.Millisecond) // for the library to end the other one
		_, _ = io.WriteString(w, "fine")
	}), Options{RequestTimeout: 500 * time.Millisecond})
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { _ = server.Serve(l) }()

	c, err := fcgitest.Dial(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if res, err := c.Do(fcgitest.Request{Target: "/stuck"}); err != nil || res.Status != 503 {
		t.Fatal(res, err)
	}
	server.mu.Lock()
	for conn := range server.conns {
		conn.number--
	}
	server.mu.Unlock()
	if res, err := c.Do(fcgitest.Request{}); err != nil || res.Body != "fine" {
		t.Errorf("%v, %v", res, err)
	}
}

// A refused HEAD is known as one, wherever its bad parameter stands.
func TestRefusedHeadIsKnown(t *testing.T) {
	params := appendPair(nil, []byte("HTTP_BAD NAME"), "x")
	params = appendPair(params, []byte("REQUEST_METHOD"), "HEAD")
	q := request{params: params}
	if status := q.check(); status != http.StatusBadRequest || q.method != http.MethodHead {
		t.Errorf("%d, method %q", status, q.method)
	}
}
