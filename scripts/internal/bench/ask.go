// Asking a server: one request whose answer is looked at, and warming up.

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"golang.org/x/sync/errgroup"
)

// answer is what came.
type answer struct {
	status int
	header http.Header
	body   []byte // decoded
	size   int    // bytes on the wire, headers too
}

// client is one connection. It opens another when the server closes it.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	read int
}

// Read reads from the connection and counts.
func (c *client) Read(p []byte) (int, error) {
	n, err := c.conn.Read(p)
	c.read += n
	return n, err
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// ask sends the request that the load generator sends, and reads the answer.
func (c *client) ask(path string, header []string) (answer, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr, 5*time.Second) //nolint:noctx // has a time limit
		if err != nil {
			return answer{}, err
		}
		c.conn, c.in, c.read = conn, bufio.NewReader(c), 0
	}
	a, last, err := c.exchange(path, header)
	if err != nil {
		err = fmt.Errorf("GET http://%s%s: %w", c.addr, path, err)
	}
	if err != nil || last {
		c.close()
	}
	return a, err
}

// exchange also tells whether the server closes the connection.
func (c *client) exchange(path string, header []string) (a answer, last bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return answer{}, true, err
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", path, host, userAgent)
	for _, h := range header {
		request.WriteString(h + "\r\n")
	}
	request.WriteString("\r\n")
	before := c.read
	if _, err := c.conn.Write(request.Bytes()); err != nil {
		return answer{}, true, err
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return answer{}, true, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return answer{}, true, err
	}
	a = answer{status: r.StatusCode, header: r.Header, size: c.read - before}
	a.body, err = decode(r.Header.Get("Content-Encoding"), body)
	return a, r.Close, err
}

// decode undoes a content coding.
func decode(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "br":
		return io.ReadAll(brotli.NewReader(bytes.NewReader(body)))
	}
	return nil, fmt.Errorf("content coding %q was not asked for", coding)
}

// fetch asks once, on a connection of its own.
func fetch(addr, path string, header []string) (answer, error) {
	c := &client{addr: addr}
	defer c.close()
	return c.ask(path, header)
}

// warm asks for the paths for a while, on as many connections as the load generator
// has. Every answer must have the status, but for a whole page in place of a 304: a cache sends it that had just let its copy go.
func warm(ctx context.Context, addr string, paths, header []string, status int, long time.Duration) error {
	end := time.Now().Add(long)
	g, ctx := errgroup.WithContext(ctx)
	for i := range connections {
		g.Go(func() error {
			c := &client{addr: addr}
			defer c.close()
			for n := i; time.Now().Before(end) && ctx.Err() == nil; n += connections {
				path := paths[n%len(paths)]
				a, err := c.ask(path, header)
				if err != nil {
					return err
				}
				if a.status != status && (status != http.StatusNotModified || a.status != http.StatusOK) {
					return fmt.Errorf("GET http://%s%s %s: status %d, want %d", addr, path, strings.Join(header, ", "), a.status, status)
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
