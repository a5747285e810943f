// What crosses the socket: sizes, records, system calls.

package fcgi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// TestSizes checks bodies around the sizes of records and buffers, to the byte.
func TestSizes(t *testing.T) {
	s := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		body := pattern(n)
		if r.URL.Path == "/declared" {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		for len(body) > 0 && r.URL.Path != "/one" {
			part := min(len(body), 1000)
			w.Write(body[:part])
			body = body[part:]
		}
		w.Write(body)
	}), fcgi.Options{})
	c := s.dial()
	for _, n := range []int{0, 1, 10_000, 65_000, 65_534, 65_535, 65_536, 65_537, 131_070, 1 << 20, 5 << 20} {
		for _, path := range []string{"/one", "/parts", "/declared"} {
			res, err := c.Do(fcgitest.Request{Target: fmt.Sprintf("%s?n=%d", path, n)})
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", path, n, err)
			}
			if res.Body != string(pattern(n)) {
				t.Errorf("%s, %d bytes: other bytes, %d", path, n, len(res.Body))
			}
			length := res.Header.Get("Content-Length")
			if known := n <= 64<<10 || path == "/declared"; known && length != strconv.Itoa(n) || !known && length != "" {
				t.Errorf("%s, %d bytes: Content-Length %q", path, n, length)
			}
		}
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 / 3)
	}
	return b
}

// counting counts the reads and writes of the connections that it accepts.
type counting struct {
	net.Listener
	reads, writes atomic.Int64
}

type countingConn struct {
	net.Conn
	l *counting
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l}, err
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.reads.Add(1)
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.l.writes.Add(1)
	return c.Conn.Write(p)
}

// TestSystemCalls checks that a small request is one read and one write.
func TestSystemCalls(t *testing.T) {
	const requests = 10
	run := func(s side, l *counting) (reads, writes int64) {
		c := s.dial()
		for range requests {
			if _, err := c.Do(fcgitest.Request{}); err != nil {
				t.Fatal(err)
			}
		}
		return l.reads.Load(), l.writes.Load()
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(pattern(10_000)) })

	l := &counting{Listener: socket(t)}
	go func() { _ = nethttpfcgi.Serve(l, page) }()
	reads, writes := run(side{t, l.Addr(), nil}, l)
	if reads < 6*requests || writes < 4*requests {
		t.Errorf("bare: %d reads, %d writes for %d requests", reads, writes, requests)
	}
	l = &counting{Listener: socket(t)}
	reads, writes = run(serve(t, l, page, fcgi.Options{}), l)
	if reads != requests || writes != requests {
		t.Errorf("%d reads, %d writes for %d requests", reads, writes, requests)
	}
}

// TestFlush checks that what was flushed is sent while the handler is running.
func TestFlush(t *testing.T) {
	read := make(chan struct{})
	s := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush() // of the header alone
		<-read
		io.WriteString(w, "one")
		w.(http.Flusher).Flush()
		<-read
		io.WriteString(w, "two")
	}), fcgi.Options{})
	c := s.dial()
	if err := c.Send(fcgitest.Request{}.Records()...); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Status: 200", "one", "two"} {
		r, err := c.Receive()
		if err != nil || !strings.HasPrefix(string(r.Content), want) {
			t.Fatalf("record %d: %q, %v", i, r.Content, err)
		}
		if i < 2 {
			read <- struct{}{}
		}
	}
}

// TestBothWays sends a large body to a handler that answers while it reads.
func TestBothWays(t *testing.T) {
	s := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
	}), fcgi.Options{MaxBody: 8 << 20})
	c := s.dial()
	sent := make(chan error, 1)
	r := fcgitest.Request{Method: "POST", Body: string(pattern(5 << 20))}
	go func() { sent <- c.Send(r.Records()...) }()
	res, err := c.Response(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if res.Body != r.Body {
		t.Errorf("%d other bytes", len(res.Body))
	}
}

// TestWriteTimeout checks that the answer to a peer that does not read is given up.
func TestWriteTimeout(t *testing.T) {
	failed := make(chan error, 1)
	s := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 100_000))
		}
		failed <- err
	}), fcgi.Options{WriteTimeout: 50 * time.Millisecond})
	if err := s.dial().Send(fcgitest.Request{}.Records()...); err != nil {
		t.Fatal(err)
	}
	select {
	case <-failed:
	case <-time.After(5 * time.Second):
		t.Fatal("the handler is still writing")
	}
	eventually(t, "counted", func() bool { return s.server.Stats().ProtocolErrors["write timeout"] == 1 })
}

// TestRequestTimeout checks that each request of a connection has the whole time.
func TestRequestTimeout(t *testing.T) {
	const limit = 400 * time.Millisecond
	ended := make(chan error, 1)
	s := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/slow" {
			fine(w, r)
			return
		}
		begun := time.Now()
		at, ok := r.Context().Deadline()
		<-r.Context().Done()
		err := errors.Join(want("a deadline", ok, true), want("its error", r.Context().Err(), context.DeadlineExceeded))
		if took := time.Since(begun); took < limit-20*time.Millisecond || time.Now().Before(at) {
			err = errors.Join(err, fmt.Errorf("ended after %s", took))
		}
		ended <- err
	}), fcgi.Options{RequestTimeout: limit})
	c := s.dial()
	for i, target := range []string{"/", "/slow", "/slow", "/"} {
		res, err := c.Do(fcgitest.Request{Target: target})
		if err != nil {
			t.Fatal(i, err)
		}
		status := 200
		if target == "/slow" {
			status = 503
			if err := <-ended; err != nil {
				t.Error(i, err)
			}
		}
		if res.Status != status {
			t.Errorf("request %d: status %d, want %d", i, res.Status, status)
		}
		time.Sleep(limit / 2)
	}
	if n := s.server.Stats().Timeouts; n != 2 {
		t.Errorf("%d timeouts", n)
	}
}
