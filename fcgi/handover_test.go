// Handing over: servers that replace each other under load lose no request.

package fcgi_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// passing is a listener that yields the connections handed over to it.
type passing struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *passing) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *passing) Close() error { l.once.Do(func() { close(l.done) }); return nil }

func (l *passing) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// take passes on a copy of a connection, as another process would get it.
func (l *passing) take(c net.Conn) {
	f, err := c.(*net.UnixConn).File()
	if err != nil {
		return // broken by its client
	}
	defer f.Close()
	if again, err := net.FileConn(f); err == nil {
		l.conns <- again
	}
}

func TestHandOver(t *testing.T) { testHandOver(t, nil) }

func TestHandOverPrompt(t *testing.T) {
	testHandOver(t, func(q *fcgi.Query, a *fcgi.Answer) bool {
		a.Status, a.Body = 200, []byte(q.Target)
		return true
	})
}

func testHandOver(t *testing.T, prompt func(*fcgi.Query, *fcgi.Answer) bool) {
	const clients, servers = 8, 30
	l := socket(t)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	start := func() (*fcgi.Server, *passing) {
		f, err := l.(*net.UnixListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		shared, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		s := fcgi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.RequestURI)
		}), fcgi.Options{Prompt: prompt})
		p := &passing{conns: make(chan net.Conn, clients), done: make(chan struct{})}
		for _, l := range []net.Listener{shared, p} {
			go func() {
				if err := s.Serve(l); err != http.ErrServerClosed {
					t.Errorf("Serve: %v", err)
				}
			}()
		}
		return s, p
	}

	s, _ := start()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var dials [clients]int
	for i := range clients {
		running.Go(func() {
			k := fcgitest.Keeper{Addr: l.Addr()}
			defer k.Close()
			for n := 0; ctx.Err() == nil; n++ {
				target := fmt.Sprintf("/%d/%d", i, n)
				if res, err := k.Do(fcgitest.Request{Target: target}); err != nil || res.Body != target {
					t.Errorf("%s: %v, %v", target, res, err)
				}
			}
			dials[i] = k.Dials
		})
	}
	for range servers {
		next, p := start()
		for done := s.Stats().Requests; s.Stats().Requests < done+50; {
			if err := (side{t, l.Addr(), nil}).ping(); err != nil {
				t.Error(err)
			}
		}
		if err := s.HandOver(context.Background(), p.take); err != nil {
			t.Errorf("HandOver: %v", err)
		}
		s = next
	}
	stop()
	running.Wait()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	for i, n := range dials {
		if n != 1 {
			t.Errorf("client %d has dialled %d times", i, n)
		}
	}
}

// ping has a connection of its own answered.
func (s side) ping() error {
	_, err := s.do(fcgitest.Request{Target: "/ping", Close: true})
	return err
}
