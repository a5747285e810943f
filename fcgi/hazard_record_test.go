// Hazards of the record layer.

package fcgi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

func beginOf(id uint16, role, flags byte) fcgitest.Record {
	return fcgitest.Record{Type: fcgitest.Begin, ID: id, Content: []byte{0, role, flags, 0, 0, 0, 0, 0}}
}

// closes sends records and returns an error unless the connection is closed.
func closes(records ...fcgitest.Record) func(side) error {
	return func(s side) error {
		c := s.dial()
		if err := c.Send(records...); err != nil {
			return err
		}
		return closedWithin(c, time.Second)
	}
}

// answers sends records and returns an error unless it gets exactly the answer.
func answers(answer fcgitest.Record, records ...fcgitest.Record) func(side) error {
	return func(s side) error {
		c := s.dial()
		if err := c.Send(records...); err != nil {
			return err
		}
		stop := time.AfterFunc(time.Second, func() { c.Close() })
		defer stop.Stop()
		r, err := c.Receive()
		if err != nil {
			return err
		}
		if r.Type != answer.Type || r.ID != answer.ID || !bytes.Equal(r.Content, answer.Content) {
			return fmt.Errorf("got %v, want %v", r, answer)
		}
		return nil
	}
}

// flood sends records until the connection breaks or is through, and returns an
// error if the server then holds more than 4 MiB, or answers nobody else.
func flood(n int, first, record []byte) func(side) error {
	return func(s side) error {
		before := heap()
		c := s.dial()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		go io.Copy(io.Discard, c.Conn)
		_, err := c.Write(first)
		for i := 0; i < n && err == nil; i++ {
			if len(record) == 16 { // BEGIN_REQUEST
				record[2], record[3] = byte((i+1)>>8), byte(i+1)
			}
			_, err = c.Write(record)
		}
		time.Sleep(50 * time.Millisecond)
		grown := heap() - before
		if _, err := s.do(fcgitest.Request{}); err != nil {
			return err
		}
		if grown > 4<<20 {
			return fmt.Errorf("heap has grown by %d KiB", grown>>10)
		}
		return nil
	}
}

func recordHazards() []hazard {
	// Of a request that stays open: its handler waits for the body.
	head := func() []fcgitest.Record { return fcgitest.Request{Method: "POST", Body: "x"}.Head() }
	ask := func(names ...string) fcgitest.Record {
		pairs := map[string]string{}
		for _, name := range names {
			pairs[name] = ""
		}
		return fcgitest.Record{Type: fcgitest.GetValues, Content: fcgitest.Pairs(pairs)}
	}
	value := func(name, value string) fcgitest.Record {
		return fcgitest.Record{Type: fcgitest.Values, Content: fcgitest.Pairs(map[string]string{name: value})}
	}
	unknownType := fcgitest.Record{Type: fcgitest.Unknown, Content: []byte{99, 0, 0, 0, 0, 0, 0, 0}}
	return []hazard{{
		name: "request 0", handler: fine, try: func(s side) error {
			records := fcgitest.Request{}.Records()
			for i := range records {
				records[i].ID = 0
			}
			return closes(records...)(s)
		},
	}, {
		name: "STDIN before PARAMS", handler: fine,
		try: closes(beginOf(1, 1, 1), fcgitest.Record{Type: fcgitest.Stdin, ID: 1, Content: []byte("x")}),
	}, {
		name: "PARAMS after PARAMS", handler: readBody,
		try: closes(append(head(), fcgitest.Record{Type: fcgitest.Params, ID: 1, Content: []byte("\x01\x01ab")})...),
	}, {
		name: "record of the answering side", handler: fine,
		try: closes(beginOf(1, 1, 1), fcgitest.Record{Type: fcgitest.Stdout, ID: 1, Content: []byte("x")}),
	}, {
		name: "other role keeps a connection that shall be closed", handler: fine,
		try: func(s side) error {
			c := s.dial()
			if err := c.Send(beginOf(1, 2, 0)); err != nil {
				return err
			}
			r, err := c.Receive()
			if err != nil {
				return err
			}
			if err := want("protocol status", r.Content[4], 3); err != nil {
				return err
			}
			return closedWithin(c, time.Second)
		},
	}, {
		name: "multiplexing", handler: func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) },
		try: answers(fcgitest.Record{Type: fcgitest.End, ID: 2, Content: []byte{0, 0, 0, 0, 1, 0, 0, 0}},
			append(head(), beginOf(2, 1, 1))...),
	}, {
		name: "maximum of requests is not told", handler: fine, options: fcgi.Options{MaxRequests: 7},
		try: answers(value("FCGI_MAX_REQS", "7"), ask("FCGI_MAX_REQS", "FCGI_OTHER")),
	}, {
		name: "maximum of connections is not told", handler: fine, options: fcgi.Options{MaxConns: 8},
		try: answers(value("FCGI_MAX_CONNS", "8"), ask("FCGI_MAX_CONNS")),
	}, {
		name: "multiplexing is offered", handler: fine,
		try: answers(value("FCGI_MPXS_CONNS", "0"), ask("FCGI_MPXS_CONNS")),
	}, {
		name: "unknown management record", handler: fine,
		try: answers(unknownType, fcgitest.Record{Type: 99, Content: []byte("whatever")}),
	}, {
		name: "flood of BEGIN_REQUEST", handler: fine,
		try: flood(65535, nil, beginOf(1, 1, 1).Bytes()),
	}, {
		name: "flood of PARAMS", handler: fine,
		try: flood(1000, beginOf(1, 1, 1).Bytes(), fcgitest.Record{Type: fcgitest.Params, ID: 1, Content: make([]byte, 65535)}.Bytes()),
	}}
}

// TestBadRecords are those that bare net/http/fcgi survives as well.
func TestBadRecords(t *testing.T) {
	s := behind(t, http.HandlerFunc(fine), fcgi.Options{HeaderTimeout: 100 * time.Millisecond})
	for _, test := range []struct {
		name string
		send []byte
		kind string
	}{
		{"version 2", []byte{2, 1, 0, 1, 0, 8, 0, 0}, "version"},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), "version"},
		{"short BEGIN_REQUEST", fcgitest.Record{Type: 1, ID: 1, Content: []byte{0, 1}}.Bytes(), "begin"},
		{"same id twice", append(beginOf(1, 1, 1).Bytes(), beginOf(1, 1, 1).Bytes()...), "order"},
		{"unknown type of a request", fcgitest.Record{Type: 77, ID: 1}.Bytes(), "type"},
		{"DATA", append(beginOf(1, 1, 1).Bytes(), fcgitest.Record{Type: 8, ID: 1}.Bytes()...), "type"},
		{"GET_VALUES without pairs", fcgitest.Record{Type: 9, Content: []byte{1}}.Bytes(), "pairs"},
		{"huge GET_VALUES", fcgitest.Record{Type: 9, Content: make([]byte, 60000)}.Bytes(), "size"},
		{"half a header", []byte{1, 1, 0}, "header timeout"},
		{"half a record", []byte{1, 1, 0, 1, 0, 8, 0, 0, 0, 1}, "header timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := s.server.Stats().ProtocolErrors[test.kind]
			c := s.dial()
			if _, err := c.Write(test.send); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.Copy(io.Discard, c.Conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			eventually(t, "counted as "+test.kind, func() bool {
				return s.server.Stats().ProtocolErrors[test.kind] == before+1
			})
			if res, err := s.do(fcgitest.Request{}); err != nil || res.Body != "fine" {
				t.Errorf("next request: %v, %v", res, err)
			}
		})
	}
}
