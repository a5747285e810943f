// Prompt: what is answered before the library sees the request, under the same guarantees.

package fcgi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// always is a Prompt that answers every request so.
func always(status int, body string, header ...string) func(*fcgi.Query, *fcgi.Answer) bool {
	return func(q *fcgi.Query, a *fcgi.Answer) bool {
		a.Status, a.Body = status, []byte(body)
		for i := 0; i < len(header); i += 2 {
			a.Set(header[i], header[i+1])
		}
		return true
	}
}

// unreached is a handler that no request may reach.
func unreached(t testing.TB) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s reached the handler", r.Method, r.RequestURI)
	})
}

func TestPromptAnswers(t *testing.T) {
	large := string(pattern(300_000))
	tests := []struct {
		name   string
		method string
		prompt func(*fcgi.Query, *fcgi.Answer) bool
		status int
		body   string
		length string // Content-Length
		header map[string]string
	}{
		{"page", "GET", always(200, "fine", "ETag", `"x"`), 200, "fine", "4", map[string]string{"ETag": `"x"`}},
		{"large", "GET", always(200, large), 200, large, "300000", nil},
		{"HEAD", "HEAD", always(200, "fine"), 200, "", "4", nil},
		{"empty", "GET", always(404, ""), 404, "", "0", nil},
		{"204", "OPTIONS", always(204, "lost", "Allow", "GET"), 204, "", "", map[string]string{"Allow": "GET"}},
		{"304", "GET", always(304, "lost"), 304, "", "", nil},
		{"the web server's headers", "GET", always(200, "fine", "Status", "404 Nope", "Connection", "close",
			"Transfer-Encoding", "chunked", "Trailer", "X", "Content-Length", "1"), 200, "fine", "4",
			map[string]string{"Connection": "", "Transfer-Encoding": "", "Trailer": ""}},
		{"line break", "GET", always(200, "fine", "X", "a\r\nSet-Cookie: b"), 500, "Internal Server Error\n", "22", map[string]string{"Set-Cookie": ""}},
		{"long header", "GET", always(200, "fine", "X", strings.Repeat("x", 9000)), 500, "Internal Server Error\n", "22", nil},
		{"no status", "GET", always(0, "fine"), 500, "Internal Server Error\n", "22", nil},
		{"informational", "GET", always(103, "fine"), 500, "Internal Server Error\n", "22", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := behind(t, unreached(t), fcgi.Options{Prompt: tt.prompt})
			c := s.dial()
			for range 2 { // on one connection
				res, err := c.Do(fcgitest.Request{Method: tt.method})
				if err != nil {
					t.Fatal(err)
				}
				if res.Status != tt.status || res.Body != tt.body || res.Header.Get("Content-Length") != tt.length {
					t.Errorf("%d %v %.50q", res.Status, res.Header, res.Body)
				}
				if _, err := http.ParseTime(res.Header.Get("Date")); err != nil && tt.status != 500 {
					t.Error(err)
				}
				for name, want := range tt.header {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			}
		})
	}
}

// TestPromptSees checks what Prompt is shown, and that the handler gets the rest unchanged.
func TestPromptSees(t *testing.T) {
	var asked atomic.Int64
	prompt := func(q *fcgi.Query, a *fcgi.Answer) bool {
		asked.Add(1)
		params := map[string]string{}
		for name, value := range q.Params {
			params[string(name)] = string(value)
		}
		if params["HTTP_X_PASS"] != "" {
			return false
		}
		return always(200, fmt.Sprint("prompt ", q.Method, " ", q.Target, " ", params["HTTP_COOKIE"], " ", params["REMOTE_ADDR"]))(q, a)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "handler ", r.Method, " ", r.RequestURI, " ", r.Host, " ", r.Header.Get("Cookie"), " ", r.Header.Get("X-Odd"))
	})
	c := behind(t, handler, fcgi.Options{Prompt: prompt}).dial()
	tests := []struct {
		name  string
		r     fcgitest.Request
		want  string
		asked int64
	}{
		{"prompt", fcgitest.Request{Target: "http://h/x?y", Params: map[string]string{"HTTP_COOKIE": "c", "REMOTE_ADDR": "192.0.2.1"}},
			"prompt GET http://h/x?y c 192.0.2.1", 1},
		{"passed on", fcgitest.Request{Method: "HEAD", Target: "//x", Host: "www", Params: map[string]string{"HTTP_COOKIE": "c", "HTTP_X_PASS": "1"}}, "", 1},
		{"passed on with GET", fcgitest.Request{Target: "//x", Host: "www", Params: map[string]string{"HTTP_COOKIE": "c", "HTTP_X_PASS": "1"}},
			"handler GET //x www c ", 1},
		{"with a body", fcgitest.Request{Method: "POST", Target: "/x", Host: "www", Body: "abc"}, "handler POST /x www  ", 0},
		{"a header in another spelling", fcgitest.Request{Target: "/x", Host: "www", Params: map[string]string{"HTTP_x-odd": "1"}}, "handler GET /x www  1", 0},
		{"length unknown", fcgitest.Request{Target: "/x", Host: "www", Params: map[string]string{"HTTP_TRANSFER_ENCODING": "chunked"}}, "handler GET /x www  ", 0},
		{"refused", fcgitest.Request{Target: "/x y"}, "Bad Request\n", 0},
	}
	for _, tt := range tests {
		before := asked.Load()
		res, err := c.Do(tt.r)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := asked.Load() - before; res.Body != tt.want || got != tt.asked {
			t.Errorf("%s: %q, Prompt asked %d times", tt.name, res.Body, got)
		}
	}
}

func TestPromptPanics(t *testing.T) {
	prompt := func(q *fcgi.Query, a *fcgi.Answer) bool {
		switch q.Target {
		case "/panic":
			a.Body = []byte("lost")
			panic("on purpose")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/sent":
			a.Sent = func() { panic("on purpose") }
		}
		return always(200, "fine")(q, a)
	}
	s := behind(t, unreached(t), fcgi.Options{Prompt: prompt})
	c := s.dial()
	for i, want := range []struct {
		target string
		status int
	}{{"/", 200}, {"/panic", 500}, {"/", 200}, {"/sent", 200}, {"/", 200}} {
		if res, err := c.Do(fcgitest.Request{Target: want.target}); err != nil || res.Status != want.status {
			t.Fatalf("request %d: %v, %v", i, res, err)
		}
	}
	if res, err := c.Do(fcgitest.Request{Target: "/abort"}); err == nil {
		t.Errorf("aborted, but answered: %v", res)
	}
	eventually(t, "2 panics", func() bool { return s.server.Stats().Panics == 2 })
}

// TestPromptSent checks that Sent is called for every answer, and not before it is written.
func TestPromptSent(t *testing.T) {
	var sent atomic.Int64
	written := make(chan struct{})
	prompt := func(q *fcgi.Query, a *fcgi.Answer) bool {
		a.Sent = func() {
			if q.Target == "/large" {
				close(written)
			}
			sent.Add(1)
		}
		body := "fine"
		if q.Target == "/large" {
			body = string(pattern(4 << 20)) // more than the socket takes
		}
		return always(200, body)(q, a)
	}
	s := behind(t, unreached(t), fcgi.Options{Prompt: prompt})
	c := s.dial()
	if _, err := c.Do(fcgitest.Request{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "sent", func() bool { return sent.Load() == 1 })
	if err := c.Send(fcgitest.Request{Target: "/large"}.Records()...); err != nil {
		t.Fatal(err)
	}
	select {
	case <-written:
		t.Fatal("sent before it was read")
	case <-time.After(20 * time.Millisecond):
	}
	c.Close()
	select {
	case <-written:
	case <-time.After(5 * time.Second):
		t.Fatal("Sent was not called when the connection broke")
	}
}

// TestPromptTimeout checks that a Prompt which waits costs no more than
// RequestTimeout, and no other request, which nobody would read.
func TestPromptTimeout(t *testing.T) {
	wait := make(chan struct{})
	defer close(wait)
	prompt := func(q *fcgi.Query, a *fcgi.Answer) bool {
		if q.Target == "/slow" {
			<-wait
		}
		return always(200, q.Target)(q, a)
	}
	s := behind(t, unreached(t), fcgi.Options{Prompt: prompt, RequestTimeout: 50 * time.Millisecond})
	c := s.dial()
	if res, err := c.Do(fcgitest.Request{Target: "/slow"}); err != nil || res.Status != 503 {
		t.Fatal(res, err)
	}
	if err := closedWithin(c, time.Second); err != nil {
		t.Error(err)
	}
	if res, err := s.do(fcgitest.Request{Target: "/next"}); err != nil || res.Body != "/next" {
		t.Fatal(res, err)
	}
	if n := s.server.Stats().Timeouts; n != 1 {
		t.Errorf("%d timeouts", n)
	}
}

// TestPromptCalls checks that a prompt answer is one read and one write.
func TestPromptCalls(t *testing.T) {
	const requests = 50
	l := &counting{Listener: socket(t)}
	page := pattern(10_000)
	s := serve(t, l, unreached(t), fcgi.Options{Prompt: func(_ *fcgi.Query, a *fcgi.Answer) bool {
		a.Status, a.Body = 200, page
		a.Set("Content-Type", "text/html")
		return true
	}})
	c := s.dial()
	for range requests {
		if _, err := c.Do(fcgitest.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if reads, writes := l.reads.Load(), l.writes.Load(); reads != requests || writes != requests {
		t.Errorf("%d reads, %d writes for %d requests", reads, writes, requests)
	}
	if stats := s.server.Stats(); stats.Requests != requests || stats.InFlight != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestPromptWithoutKeep checks that the connection ends with the answer, as it does with the handler's.
func TestPromptWithoutKeep(t *testing.T) {
	s := behind(t, unreached(t), fcgi.Options{Prompt: always(200, "fine")})
	c := s.dial()
	if res, err := c.Do(fcgitest.Request{Close: true}); err != nil || res.Body != "fine" {
		t.Fatal(res, err)
	}
	if err := closedWithin(c, time.Second); err != nil {
		t.Error(err)
	}
}

// TestPromptAndHandlerTakeTurns sends requests for either on several connections.
func TestPromptAndHandlerTakeTurns(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "handler ", r.RequestURI) })
	s := behind(t, handler, fcgi.Options{Prompt: func(q *fcgi.Query, a *fcgi.Answer) bool {
		n, err := strconv.Atoi(strings.TrimPrefix(q.Target, "/"))
		return err == nil && n%3 > 0 && always(200, "prompt "+q.Target)(q, a)
	}})
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			c, err := fcgitest.Dial(s.addr)
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			for i := range 300 {
				target := "/" + strconv.Itoa(i)
				want := "prompt " + target
				if i%3 == 0 {
					want = "handler " + target
				}
				res, doErr := c.Do(fcgitest.Request{Target: target})
				if doErr != nil || res.Body != want {
					err = errors.Join(err, fmt.Errorf("%s: %v, %w", target, res, doErr))
				}
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
