// Draining: what happens to connections that are busy, kept, or idle.

package fcgi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

func TestShutdown(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	l := socket(t)
	s := fcgi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			begun <- struct{}{}
			<-finish
		}
		io.WriteString(w, "fine")
	}), fcgi.Options{DrainIdle: 1500 * time.Millisecond})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	side := side{t, l.Addr(), s}

	busy, kept, idle, unused := side.dial(), side.dial(), side.dial(), side.dial()
	for _, c := range []*fcgitest.Conn{kept, idle} {
		if _, err := c.Do(fcgitest.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := busy.Send(fcgitest.Request{Method: "POST"}.Records()...); err != nil {
		t.Fatal(err)
	}
	<-begun
	eventually(t, "4 connections", func() bool { return s.Stats().Connections == 4 })

	begin := time.Now()
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	if c, err := fcgitest.Dial(l.Addr()); err == nil {
		c.Close()
		t.Error("still accepts")
	}
	for _, c := range []*fcgitest.Conn{kept, unused} {
		if res, err := c.Do(fcgitest.Request{}); err != nil || res.Body != "fine" {
			t.Errorf("kept connection: %v, %v", res, err)
		}
		if err := closedWithin(c, time.Second); err != nil {
			t.Errorf("after its answer: %v", err)
		}
	}
	if err := closedWithin(idle, 5*time.Second); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d < time.Second {
		t.Errorf("idle connection closed after %v", d)
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown returned while a handler runs: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	finish <- struct{}{}
	if res, err := busy.Response(1); err != nil || res.Body != "fine" {
		t.Errorf("busy connection: %v, %v", res, err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Serve(socket(t)); err != http.ErrServerClosed {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	l := socket(t)
	s := fcgi.NewServer(waitForEnd(begun, ended), fcgi.Options{})
	go func() { _ = s.Serve(l) }()
	if err := (side{t, l.Addr(), s}).dial().Send(fcgitest.Request{}.Records()...); err != nil {
		t.Fatal(err)
	}
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-ended; err != fcgi.ErrGone {
		t.Errorf("the handler's context: %v", err)
	}
}
