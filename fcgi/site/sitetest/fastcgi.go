// The FastCGI target: a responder's socket.

package sitetest

import (
	"maps"
	"net"
	"strings"
	"sync"

	"pagemap/fcgi/fcgitest"
)

// FastCGI is a responder at an address. One connection is kept for all requests,
// as a web server does. Tagged "fcgi", and what is given.
func FastCGI(addr net.Addr, tags ...string) Target {
	var mu sync.Mutex // protects conn
	var conn *fcgitest.Conn
	do := func(q Request) (*Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if conn == nil {
			var err error
			if conn, err = fcgitest.Dial(addr); err != nil {
				return nil, err
			}
		}
		params := map[string]string{"SERVER_PROTOCOL": q.Proto}
		r := fcgitest.Request{Method: q.Method, Target: q.Target, Body: q.Body, Params: params}
		for _, f := range q.Header {
			name := "HTTP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
			if had, ok := params[name]; ok {
				params[name] = had + ", " + f.Value
			} else {
				params[name] = f.Value
			}
		}
		res, err := conn.Do(r)
		if err != nil {
			conn.Close()
			conn = nil
			return nil, err
		}
		header := maps.Clone(res.Header)
		header.Del("Status")
		return &Response{Status: res.Status, Header: header, Body: []byte(res.Body)}, nil
	}
	return Target{Tags: append([]string{"fcgi"}, tags...), Do: do}
}
