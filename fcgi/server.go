// Server: accepts connections, bounds them, and drains them at the end.

package fcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options of NewServer. The zero value has the default of every option.
type Options struct {
	MaxRequests int   // handlers at once, more get 503; 0: 256
	MaxConns    int   // connections at once, each Serve's next one included, more wait in the socket's queue; 0: 1024
	MaxParams   int64 // bytes of parameters, more get 431; 0: 128 KiB
	MaxBody     int64 // bytes of a request's body, more get 413; 0: 1 MiB

	HeaderTimeout  time.Duration // from a request's first byte to its last parameter; 0: 5 s
	BodyTimeout    time.Duration // from there to the end of its body, waiting for the handler aside; 0: 20 s
	RequestTimeout time.Duration // of the handler's context; 0: 10 s, negative: none
	WriteTimeout   time.Duration // of one write to the web server, at most 64 KiB, once to twice this; 0: 60 s, negative: none

	// IdleTimeout closes connections without a request for that long. It must
	// be longer than the web server keeps one (Apache's ttl), which else may just
	// be using it. 0: the web server alone closes idle connections.
	IdleTimeout time.Duration

	// DrainIdle is how long Shutdown keeps an idle connection, for the same
	// reason longer than Apache's ttl; 0: 10 s.
	DrainIdle time.Duration

	// RetryAfter is the Retry-After of 503, in whole seconds; 0: 1 s.
	RetryAfter time.Duration

	// ErrorPages are HTML bodies, by status, of the server's own answers: 400,
	// 408, 413, 431, 500, 503. One that is missing is the status as plain text.
	ErrorPages map[int][]byte

	// Prompt, if not nil, is shown every request without a body before the
	// handler is. It may answer it, at once, and return true; if it returns false
	// the handler is called as if there were no Prompt. It is called by the goroutine that
	// reads the connection, so that it must not wait for more than a disk, and keeps
	// neither q nor a; its calls are not counted in MaxRequests.
	Prompt func(q *Query, a *Answer) bool

	Logger *slog.Logger // nil: nothing is logged
}

func (o Options) withDefaults() Options {
	set(&o.MaxRequests, 256)
	set(&o.MaxConns, 1024)
	set(&o.MaxParams, 128<<10)
	set(&o.MaxBody, 1<<20)
	set(&o.HeaderTimeout, 5*time.Second)
	set(&o.BodyTimeout, 20*time.Second)
	set(&o.RequestTimeout, 10*time.Second)
	set(&o.WriteTimeout, time.Minute)
	set(&o.DrainIdle, 10*time.Second)
	set(&o.RetryAfter, time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// set sets an option that is zero to its default.
func set[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Server answers FastCGI requests. Its methods are safe for concurrent use.
type Server struct {
	o       Options
	handler http.Handler
	answers map[int]prepared
	stats   counters
	date    dater

	slots    chan struct{} // one for each open connection
	serving  atomic.Int64  // calls of Serve
	running  atomic.Int64  // handlers
	draining atomic.Bool
	handOver atomic.Pointer[func(net.Conn)] // takes connections at rest while draining; nil: they are closed
	stop     chan struct{}                  // closed by Shutdown

	mu        sync.Mutex // protects the rest
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
}

// NewServer returns a server that calls h.
func NewServer(h http.Handler, o Options) *Server {
	o = o.withDefaults()
	return &Server{
		o:         o,
		handler:   h,
		answers:   prepare(o),
		slots:     make(chan struct{}, o.MaxConns),
		stop:      make(chan struct{}),
		listeners: map[net.Listener]struct{}{},
		conns:     map[*conn]struct{}{},
	}
}

// prepared is an answer of the server's own.
type prepared struct{ head, body []byte }

func prepare(o Options) map[int]prepared {
	answers := map[int]prepared{}
	for _, status := range []int{
		http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		body, media := o.ErrorPages[status], "text/html; charset=utf-8"
		if body == nil {
			body, media = []byte(http.StatusText(status)+"\n"), "text/plain; charset=utf-8"
		}
		head := fmt.Appendf(nil, "Status: %d %s\r\n", status, http.StatusText(status))
		head = fmt.Appendf(head, "Content-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\n", media, len(body))
		if status == http.StatusServiceUnavailable {
			head = fmt.Appendf(head, "Retry-After: %d\r\n", max(1, int(o.RetryAfter/time.Second)))
		}
		answers[status] = prepared{append(head, "\r\n"...), body}
	}
	return answers
}

// Serve accepts connections from l, until Shutdown, when it returns
// http.ErrServerClosed at once, or an error that does not pass by itself.
// Shutdown closes l.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.draining.Load() {
		s.mu.Unlock()
		return http.ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Add(-1)
	done := make(chan struct{})
	defer close(done)
	if s.o.IdleTimeout > 0 {
		go s.sweeping(done)
	}

	var delay time.Duration
	for {
		select {
		case <-s.stop:
			return http.ErrServerClosed
		case s.slots <- struct{}{}:
		}
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			s.serve(nc)
			continue
		}
		<-s.slots
		switch {
		case s.draining.Load():
			return http.ErrServerClosed
		case !passing(err):
			return fmt.Errorf("fcgi: accept on %s: %w", l.Addr(), err)
		}
		s.stats.acceptErrors.Add(1)
		if delay == 0 {
			s.o.Logger.Warn("cannot accept connections", "error", err)
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		select {
		case <-s.stop:
		case <-time.After(delay):
		}
	}
}

// passing reports whether an error of accept(2) may pass by itself.
func passing(err error) bool {
	for _, e := range []error{
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO, syscall.EPERM, syscall.EINTR,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// serve has the library read a connection, in a goroutine of its own.
func (s *Server) serve(nc net.Conn) {
	c := newConn(nc, s)
	s.stats.accepted.Add(1)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	_ = nethttpfcgi.Serve(&single{Conn: c}, c) // returns once it has accepted c
}

// remove forgets a connection that was closed.
func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	<-s.slots
}

// single is a listener of one connection.
type single struct{ net.Conn }

func (l *single) Accept() (net.Conn, error) {
	c := l.Conn
	if c == nil {
		return nil, io.EOF
	}
	l.Conn = nil
	return c, nil
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return nil }

// acquire takes one of the MaxRequests, if one is free.
func (s *Server) acquire() bool {
	if s.running.Add(1) <= int64(s.o.MaxRequests) {
		return true
	}
	s.running.Add(-1)
	s.stats.refused.Add(1)
	return false
}

func (s *Server) release() { s.running.Add(-1) }

// sweeping closes connections that are idle beyond IdleTimeout.
func (s *Server) sweeping(done <-chan struct{}) {
	tick := time.NewTicker(max(s.o.IdleTimeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			s.sweep(s.o.IdleTimeout)
		}
	}
}

// sweep closes connections that are idle longer than d, and returns how many
// others there are.
func (s *Server) sweep(d time.Duration) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.mu.Lock()
		idle := c.req == nil && time.Since(c.rested) > d
		c.mu.Unlock()
		if idle && c.quiet() {
			c.Conn.Close()
		}
	}
	return len(s.conns)
}

// Shutdown drains the server. It closes the listeners, so that new connections
// go to whoever else has them open; answers what comes on open connections, and
// closes each after an answer, or once it was idle for DrainIdle; and waits for
// handlers. When ctx ends it breaks the remaining connections and returns its
// error.
//
// However soon a connection is closed after an answer, the web server may
// already be sending on it: see HandOver.
func (s *Server) Shutdown(ctx context.Context) error { return s.shutdown(ctx) }

// HandOver is Shutdown with somebody to go on: take is given every kept
// connection that is between two requests, whose last answer is sent and of
// whose next request nothing was read, and passes its descriptor to another
// process. The server then closes its own.
func (s *Server) HandOver(ctx context.Context, take func(net.Conn)) error {
	s.handOver.Store(&take)
	return s.shutdown(ctx)
}

func (s *Server) shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining.Swap(true) {
		close(s.stop)
	}
	var err error
	for l := range s.listeners {
		err = errors.Join(err, l.Close())
		delete(s.listeners, l)
	}
	s.mu.Unlock()
	s.handOverIdle()

	pause := time.Millisecond
	for s.serving.Load() > 0 || s.sweep(s.o.DrainIdle) > 0 || s.running.Load() > 0 {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			for c := range s.conns {
				c.abort(ErrGone)
			}
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
	return err
}
