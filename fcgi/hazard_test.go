// The hazards of bare net/http/fcgi: each test must fail on it and pass behind the boundary.

package fcgi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// hazard is tried on both sides. try returns an error where the side fell for it.
type hazard struct {
	name    string
	options fcgi.Options
	handler http.HandlerFunc
	try     func(s side) error
}

func TestHazards(t *testing.T) {
	for _, hazards := range [][]hazard{connectionHazards(), requestHazards(), answerHazards(), recordHazards()} {
		for _, h := range hazards {
			t.Run(h.name, func(t *testing.T) {
				if err := h.try(behind(t, h.handler, h.options)); err != nil {
					t.Errorf("behind the boundary: %v", err)
				}
				if err := h.try(bare(t, h.handler)); err == nil {
					t.Error("bare net/http/fcgi does not have this hazard")
				} else {
					t.Logf("bare: %v", err)
				}
			})
		}
	}
}

// want returns an error unless both are equal.
func want[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// status sends a request and returns an error unless it gets the status.
func status(r fcgitest.Request, code int) func(side) error {
	return func(s side) error {
		res, err := s.do(r)
		if err != nil {
			return err
		}
		return want("status", res.Status, code)
	}
}

// says sends a request and returns an error unless the answer has the body.
func says(r fcgitest.Request, body string) func(side) error {
	return func(s side) error {
		res, err := s.do(r)
		if err != nil {
			return err
		}
		return errors.Join(want("status", res.Status, 200), want("body", res.Body, body))
	}
}

func fine(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine") }

// connectionHazards are those of a connection that is used again.
func connectionHazards() []hazard {
	begun, leak, late := make(chan struct{}, 2), make(chan struct{}), make(chan error, 2)
	returned, ended := make(chan struct{}, 2), make(chan error, 2)
	return []hazard{{
		name:    "unread body desynchronises",
		handler: fine,
		try: func(s side) error {
			c := s.dial()
			for range 20 {
				post := fcgitest.Request{Method: "POST", Body: strings.Repeat("x", 500_000)}
				records := post.Records()
				if err := c.Send(records[:len(records)-3]...); err != nil { // as Apache stops after END_REQUEST
					return err
				}
				if _, err := c.Response(1); err != nil {
					return fmt.Errorf("POST: %w", err)
				}
				res, err := c.Do(fcgitest.Request{})
				if err != nil {
					return fmt.Errorf("next request: %w", err)
				}
				if err := want("body", res.Body, "fine"); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		name:    "next request meets the deadline of an unread body",
		handler: fine,
		options: fcgi.Options{BodyTimeout: 500 * time.Millisecond},
		try: func(s side) error {
			c := s.dial()
			post := fcgitest.Request{Method: "POST", Body: "x"}
			if err := c.Send(append(post.Head(), post.Records()[3])...); err != nil { // the body, without its end
				return err
			}
			if _, err := c.Response(1); err != nil {
				return fmt.Errorf("POST: %w", err)
			}
			get := fcgitest.Request{}.Records()
			time.Sleep(250 * time.Millisecond)
			if err := c.Send(get[0]); err != nil {
				return err
			}
			time.Sleep(400 * time.Millisecond)
			if err := c.Send(get[1:]...); err != nil {
				return err
			}
			res, err := c.Response(1)
			if err != nil {
				return err
			}
			return want("body", res.Body, "fine")
		},
	}, {
		name: "late write leaks into the next answer",
		handler: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "fine")
			if r.Method == "POST" {
				go func() {
					<-leak
					_, err := io.WriteString(w, "SECRET")
					w.(http.Flusher).Flush()
					late <- err
				}()
			}
		},
		try: func(s side) error {
			c := s.dial()
			if _, err := c.Do(fcgitest.Request{Method: "POST"}); err != nil {
				return err
			}
			leak <- struct{}{}
			lateErr := <-late
			res, err := c.Do(fcgitest.Request{})
			if err != nil {
				return err
			}
			if !errors.Is(lateErr, fcgi.ErrRequestOver) {
				return fmt.Errorf("late write: %v", lateErr)
			}
			return want("body", res.Body, "fine")
		},
	}, {
		name:    "closed connection does not cancel",
		handler: waitForEnd(begun, ended),
		try:     leaves(begun, ended, fcgitest.Request{}.Records()),
	}, {
		name:    "closed connection under an unread body does not cancel",
		handler: waitForEnd(begun, ended),
		try:     leaves(begun, ended, fcgitest.Request{Method: "POST", Body: strings.Repeat("x", 20_000)}.Head()),
	}, {
		name: "ABORT_REQUEST is answered twice",
		handler: func(w http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			io.ReadAll(r.Body)
			returned <- struct{}{}
		},
		try: func(s side) error {
			c := s.dial()
			records := fcgitest.Request{Method: "POST", Body: "hello"}.Records()
			if err := c.Send(records[:len(records)-1]...); err != nil {
				return err
			}
			<-begun
			if err := c.Send(fcgitest.Record{Type: fcgitest.Abort, ID: 1}); err != nil {
				return err
			}
			<-returned
			time.Sleep(20 * time.Millisecond) // the bare library's second END_REQUEST comes after the handler
			ask := fcgitest.Record{Type: fcgitest.GetValues, Content: fcgitest.Pairs(map[string]string{"FCGI_MPXS_CONNS": ""})}
			if err := c.Send(ask); err != nil {
				return err
			}
			for ends := 0; ; {
				r, err := c.Receive()
				switch {
				case err != nil:
					return err
				case r.Type == fcgitest.End:
					ends++
				case r.Type == fcgitest.Values:
					return want("END_REQUEST records", ends, 1)
				}
			}
		},
	}, {
		name:    "too many requests pile up",
		options: fcgi.Options{MaxRequests: 2},
		handler: func(w http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			<-leak
		},
		try: func(s side) error {
			for range 2 {
				if err := s.dial().Send(fcgitest.Request{}.Records()...); err != nil {
					return err
				}
				<-begun
			}
			defer func() { leak <- struct{}{}; leak <- struct{}{} }()
			c := s.dial()
			if err := c.Send(fcgitest.Request{}.Records()...); err != nil {
				return err
			}
			answered := make(chan error, 1)
			go func() {
				res, err := c.Response(1)
				if err == nil {
					err = errors.Join(want("status", res.Status, 503), want("Retry-After", res.Header.Get("Retry-After"), "1"))
				}
				answered <- err
			}()
			select {
			case <-begun:
				leak <- struct{}{}
				return errors.New("a third handler was called")
			case err := <-answered:
				return err
			}
		},
	}, {
		name:    "slow handler holds its request for ever",
		options: fcgi.Options{RequestTimeout: 50 * time.Millisecond},
		handler: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				io.WriteString(w, "fine")
				return
			}
			io.WriteString(w, "too late")
			<-leak
			_, err := io.WriteString(w, "!")
			late <- errors.Join(err, r.Context().Err())
		},
		try: func(s side) error {
			c := s.dial()
			if err := c.Send(fcgitest.Request{Method: "POST"}.Records()...); err != nil {
				return err
			}
			release := time.AfterFunc(time.Second, func() { leak <- struct{}{} })
			res, err := c.Response(1)
			if err != nil {
				return err
			}
			if err := want("status", res.Status, 503); err != nil {
				<-late
				return err
			}
			if res, err = c.Do(fcgitest.Request{}); err != nil { // while the handler is still running
				return err
			}
			release.Stop()
			leak <- struct{}{}
			err = <-late
			if !errors.Is(err, fcgi.ErrRequestOver) {
				return fmt.Errorf("late write: %v", err)
			}
			return want("body", res.Body, "fine")
		},
	}, {
		name:    "half a record holds its connection for ever",
		options: fcgi.Options{HeaderTimeout: 50 * time.Millisecond},
		handler: fine,
		try: func(s side) error {
			c := s.dial()
			if _, err := c.Write([]byte{1, 1, 0}); err != nil {
				return err
			}
			return closedWithin(c, time.Second)
		},
	}, {
		name:    "half of the parameters hold their connection for ever",
		options: fcgi.Options{HeaderTimeout: 50 * time.Millisecond},
		handler: fine,
		try: func(s side) error {
			c := s.dial()
			head := fcgitest.Request{}.Head()
			if err := c.Send(head[:len(head)-1]...); err != nil {
				return err
			}
			return closedWithin(c, time.Second)
		},
	}, {
		name:    "body that never comes",
		options: fcgi.Options{BodyTimeout: 50 * time.Millisecond},
		handler: func(w http.ResponseWriter, r *http.Request) {
			go func() {
				time.Sleep(time.Second)
				begun <- struct{}{}
			}()
			_, err := io.ReadAll(r.Body)
			late <- err
		},
		try: func(s side) error {
			c := s.dial()
			records := fcgitest.Request{Method: "POST", Body: "hello"}.Records()
			if err := c.Send(records[:len(records)-2]...); err != nil {
				return err
			}
			res, err := responseWithin(c, time.Second)
			c.Close()
			if err != nil {
				return err
			}
			if err := <-late; err == nil {
				return errors.New("body ended well")
			}
			return want("status", res.Status, 408)
		},
	}}
}

// waitForEnd tells when it was called, and how its context has ended within a
// second.
func waitForEnd(begun chan<- struct{}, ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		select {
		case <-r.Context().Done():
			ended <- context.Cause(r.Context())
		case <-time.After(time.Second):
			ended <- errors.New("not cancelled")
		}
	}
}

// leaves sends records and closes the connection while the handler is running.
func leaves(begun <-chan struct{}, ended <-chan error, records []fcgitest.Record) func(side) error {
	return func(s side) error {
		c := s.dial()
		// The bare library calls the handler once the body begins.
		if last := records[len(records)-1]; last.Type == fcgitest.Params {
			records = append(records, fcgitest.Record{Type: fcgitest.Stdin, ID: 1, Content: make([]byte, 20_000)})
		}
		if err := c.Send(records...); err != nil {
			return err
		}
		<-begun
		c.Close()
		if err := <-ended; err != fcgi.ErrGone {
			return err
		}
		return nil
	}
}

func closedWithin(c *fcgitest.Conn, d time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(d))
	if n, err := c.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return fmt.Errorf("not closed: %d bytes, %v", n, err)
	}
	return nil
}

func responseWithin(c *fcgitest.Conn, d time.Duration) (*fcgitest.Response, error) {
	timer := time.AfterFunc(d, func() { c.Close() })
	defer timer.Stop()
	return c.Response(1)
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
