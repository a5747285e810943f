// Server: accepting, limits, panics, draining, what crosses the socket.

package fcgi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// roleEnv makes the test binary a responder of its own, for what ends processes.
const roleEnv = "FCGI_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "bare":
		l, err := net.Listen("unix", os.Args[1])
		if err == nil {
			err = nethttpfcgi.Serve(l, panics(nil))
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "fd":
		os.Exit(inheritedResponder())
	case "client":
		n, _ := strconv.Atoi(os.Args[2])
		if err := getPages(os.Args[1], n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// panics answers with a panic, before or after it has sent something.
func panics(v any) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", fine)
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half of the")
		panic(v)
	})
	mux.HandleFunc("/late", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half of the")
		w.(http.Flusher).Flush()
		panic(v)
	})
	mux.HandleFunc("/goexit", func(w http.ResponseWriter, r *http.Request) { runtime.Goexit() })
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(7) })
	return mux
}

func TestPanic(t *testing.T) {
	var log lockedBuffer
	s := behind(t, panics("boom"), fcgi.Options{
		Logger:     slog.New(slog.NewTextHandler(&log, nil)),
		ErrorPages: map[int][]byte{500: []byte("<p>sorry")},
	})
	for _, test := range []struct {
		path   string
		status int // 0: the connection is cut
		logged int
	}{
		{"/panic", 500, 1}, {"/goexit", 500, 1}, {"/status", 500, 1}, {"/late", 0, 1}, {"/abort", 0, 0},
	} {
		t.Run(test.path, func(t *testing.T) {
			log.Reset()
			res, err := s.do(fcgitest.Request{Target: test.path})
			switch {
			case test.status == 0:
				if err == nil {
					t.Errorf("answered: %+v", res)
				}
			case err != nil:
				t.Fatal(err)
			case res.Status != test.status || res.Body != "<p>sorry" || res.Header.Get("Content-Type") != "text/html; charset=utf-8":
				t.Errorf("got %d %q %v", res.Status, res.Body, res.Header)
			}
			if n := strings.Count(log.String(), "handler panicked"); n != test.logged {
				t.Errorf("logged %d times: %s", n, log.String())
			}
			if test.logged > 0 && !strings.Contains(log.String(), "target="+test.path) {
				t.Errorf("no target in %s", log.String())
			}
			if res, err := s.do(fcgitest.Request{}); err != nil || res.Body != "fine" {
				t.Errorf("next request: %v, %v", res, err)
			}
		})
	}
	if n := s.server.Stats().Panics; n != 4 {
		t.Errorf("%d panics counted", n)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Buffer.Reset()
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// TestPanicBare shows that a panic ends a process with net/http/fcgi alone.
func TestPanicBare(t *testing.T) {
	l := socket(t) // for its directory
	path := l.Addr().String() + "2"
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleEnv+"=bare")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := side{t, &net.UnixAddr{Net: "unix", Name: path}, nil}
	eventually(t, "it listens", func() bool {
		c, err := fcgitest.Dial(s.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if _, err := s.do(fcgitest.Request{Target: "/panic"}); err == nil {
		t.Error("answered")
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("the process ended with %v", err)
	}
}

// failing is a listener whose first Accepts fail.
type failing struct {
	net.Listener
	errs chan error
}

func (l failing) Accept() (net.Conn, error) {
	select {
	case err := <-l.errs:
		return nil, &net.OpError{Op: "accept", Net: "unix", Err: os.NewSyscallError("accept4", err)}
	default:
		return l.Listener.Accept()
	}
}

func TestAcceptErrors(t *testing.T) {
	failures := []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}
	broken := func() failing {
		l := failing{socket(t), make(chan error, len(failures))}
		for _, err := range failures {
			l.errs <- err
		}
		return l
	}
	if err := nethttpfcgi.Serve(broken(), http.HandlerFunc(fine)); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("bare net/http/fcgi: %v", err)
	}
	s := serve(t, broken(), http.HandlerFunc(fine), fcgi.Options{})
	if res, err := s.do(fcgitest.Request{}); err != nil || res.Body != "fine" {
		t.Errorf("got %v, %v", res, err)
	}
	if n := s.server.Stats().AcceptErrors; n != 3 {
		t.Errorf("%d errors counted", n)
	}

	dead := failing{socket(t), make(chan error, 1)}
	dead.errs <- syscall.EBADF
	if err := fcgi.NewServer(http.HandlerFunc(fine), fcgi.Options{}).Serve(dead); !errors.Is(err, syscall.EBADF) {
		t.Errorf("an error that stays: %v", err)
	}
}

func TestMaxConns(t *testing.T) {
	const most = 3
	s := behind(t, http.HandlerFunc(fine), fcgi.Options{MaxConns: most})
	var held []*fcgitest.Conn
	for range most {
		c := s.dial()
		if _, err := c.Do(fcgitest.Request{}); err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	waiting := s.dial()
	if err := waiting.Send(fcgitest.Request{}.Records()...); err != nil {
		t.Fatal(err)
	}
	for _, c := range held { // the others are still answered
		if _, err := c.Do(fcgitest.Request{}); err != nil {
			t.Error(err)
		}
	}
	if n := s.server.Stats().Accepted; n != most {
		t.Errorf("%d connections accepted", n)
	}
	held[0].Close()
	if res, err := waiting.Response(1); err != nil || res.Body != "fine" {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestIdleTimeout(t *testing.T) {
	s := behind(t, http.HandlerFunc(fine), fcgi.Options{IdleTimeout: 50 * time.Millisecond})
	c := s.dial()
	if _, err := c.Do(fcgitest.Request{}); err != nil {
		t.Fatal(err)
	}
	if err := closedWithin(c, 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestWithoutKeepConn(t *testing.T) {
	s := behind(t, http.HandlerFunc(fine), fcgi.Options{})
	t.Run("whole request", func(t *testing.T) {
		c := s.dial()
		if _, err := c.Do(fcgitest.Request{Close: true}); err != nil {
			t.Fatal(err)
		}
		if err := closedWithin(c, 5*time.Second); err != nil {
			t.Error(err)
		}
	})
	t.Run("unread body", func(t *testing.T) {
		// What is still being sent must not make the answer unreadable.
		c := s.dial()
		records := fcgitest.Request{Method: "POST", Body: strings.Repeat("x", 1<<20), Close: true}.Records()
		if err := c.Send(records...); err != nil {
			t.Fatal(err)
		}
		res, err := c.Response(1)
		if err != nil || res.Body != "fine" {
			t.Errorf("got %v, %v", res, err)
		}
	})
}
