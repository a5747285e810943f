// Load: many requests, as a web server sends them.

package fcgitest

import (
	"fmt"
	"io"
	"net"

	"golang.org/x/sync/errgroup"
)

// AsApache are the parameters of a page's request as mod_proxy_fcgi sends them
// for a browser.
func AsApache() map[string]string {
	return map[string]string{
		"SCRIPT_FILENAME": "proxy:fcgi://pagemap/library/functions.html", "UNIQUE_ID": "aR5mS2Vd0q8kq8mJ7VtJ8AAAAAE",
		"HTTP_USER_AGENT":      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"HTTP_ACCEPT":          "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5", "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
		"HTTP_REFERER": "http://www.example.org/library/index.html", "HTTP_CONNECTION": "keep-alive",
		"HTTP_HOST": "www.example.org", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"SERVER_SIGNATURE": "", "SERVER_SOFTWARE": "Apache/2.4.68 (Debian)", "SERVER_NAME": "www.example.org",
		"SERVER_ADDR": "192.0.2.1", "SERVER_PORT": "80", "REMOTE_ADDR": "198.51.100.7", "DOCUMENT_ROOT": "/var/www/html",
		"REQUEST_SCHEME": "http", "CONTEXT_PREFIX": "", "CONTEXT_DOCUMENT_ROOT": "/var/www/html", "SERVER_ADMIN": "webmaster@example.org",
		"REMOTE_PORT": "51234", "GATEWAY_INTERFACE": "CGI/1.1", "QUERY_STRING": "", "SCRIPT_NAME": "/library/functions.html",
	}
}

// Load sends n requests on conns connections at once, each record by a write of
// its own, and reads the answers to their end. The targets are taken in turn.
func Load(network, addr string, conns, n int, r Request, targets ...string) error {
	var requests [][][]byte
	for _, target := range targets {
		r.Target = target
		var records [][]byte
		for _, rec := range r.Records() {
			records = append(records, rec.Bytes())
		}
		requests = append(requests, records)
	}
	var clients errgroup.Group
	for i := range conns {
		clients.Go(func() error { return loadOne(network, addr, (n+i)/conns, requests, i*len(requests)/conns) })
	}
	return clients.Wait()
}

// loadOne sends n requests on one connection, the first of them from on.
func loadOne(network, addr string, n int, requests [][][]byte, from int) error {
	c, err := net.Dial(network, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 128<<10)
	for i := range n {
		for _, record := range requests[(from+i)%len(requests)] {
			if _, err := c.Write(record); err != nil {
				return err
			}
		}
		if err := toEnd(c, buf); err != nil {
			return err
		}
	}
	return nil
}

// toEnd reads up to END_REQUEST, whose record is the last one.
func toEnd(c net.Conn, buf []byte) error {
	have, at := 0, 0
	for {
		for have-at >= 8 {
			length := int(buf[at+4])<<8 | int(buf[at+5])
			end := at + 8 + length + int(buf[at+6])
			if end > have {
				break
			}
			if buf[at+1] == End {
				if end != have {
					return fmt.Errorf("%d bytes after END_REQUEST", have-end)
				}
				return nil
			}
			at = end
		}
		copy(buf, buf[at:have])
		have, at = have-at, 0
		n, err := c.Read(buf[have:])
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		have += n
	}
}
