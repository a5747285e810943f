// Command plain is a FastCGI responder as net/http/fcgi makes it: one constant
// page, compressed beforehand for those who accept gzip. What it costs is the
// price of the standard boundary.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(3)
	}
}

// run serves the page in a file on a unix socket.
func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: plain SOCKET PAGE")
	}
	page, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	h, err := handler(page)
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", args[0]) //nolint:noctx // listening ends at once
	if err != nil {
		return err
	}
	return fcgi.Serve(l, h)
}

// handler answers every request with the page.
func handler(page []byte) (http.Handler, error) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(page); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, h := page, w.Header()
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body = zipped.Bytes()
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Content-Type", "text/html")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}), nil
}
