// Command raw answers FastCGI requests with one constant page and nothing between
// the socket and the bytes: records are read through one buffer, nothing is looked
// for in them but the name of one header, and the answer stands ready and leaves in
// one write. No responder behind mod_proxy_fcgi can do much less, so it is the wall.
//
// It knows what Apache sends: one request at a time on a connection, with the
// number 1, that keeps the connection. Anything else ends the connection.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "raw:", run(os.Args[1:]))
	os.Exit(3)
}

// run serves the page in a file on a unix socket, until that fails.
func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: raw SOCKET PAGE")
	}
	page, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	a, err := prepare(page)
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", args[0]) //nolint:noctx // listening ends at once
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if err := a.serve(c); err != nil {
				fmt.Fprintln(os.Stderr, "raw:", err)
			}
		}()
	}
}

// Record types (FastCGI specification, section 8).
const (
	typeBegin  = 1
	typeEnd    = 3
	typeParams = 4
	typeStdin  = 5
	typeStdout = 6

	headerSize = 8
)

// answers are the page as the bytes of a whole answer, plain and compressed.
type answers struct{ plain, zipped []byte }

// prepare makes the answers. Each must fit into one record.
func prepare(page []byte) (answers, error) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(page); err != nil {
		return answers{}, err
	}
	if err := z.Close(); err != nil {
		return answers{}, err
	}
	var a answers
	var err error
	if a.plain, err = answer("", page); err != nil {
		return answers{}, err
	}
	a.zipped, err = answer("Content-Encoding: gzip\r\n", zipped.Bytes())
	return a, err
}

// answer is one STDOUT record with headers and body, and END_REQUEST.
func answer(header string, body []byte) ([]byte, error) {
	content := fmt.Appendf(nil, "Status: 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n%s\r\n", len(body), header)
	content = append(content, body...)
	if len(content) > 65535 {
		return nil, fmt.Errorf("a page of %d bytes fits into no record", len(body))
	}
	out := record(typeStdout, len(content))
	out = append(out, content...)
	out = append(out, record(typeEnd, 8)...)
	return append(out, make([]byte, 8)...), nil // application status 0, request complete
}

// record is the header of a record of request 1, without padding.
func record(kind byte, length int) []byte {
	return []byte{1, kind, 0, 1, byte(length >> 8), byte(length), 0, 0}
}

var errUnexpected = errors.New("a record that Apache does not send here")

// serve answers the requests of one connection, until its other side closes it.
func (a answers) serve(c io.ReadWriter) error {
	in := bufio.NewReaderSize(c, 1<<16)
	reply := a.plain
	for {
		h, err := in.Peek(headerSize)
		if errors.Is(err, io.EOF) && len(h) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		kind, length := h[1], int(binary.BigEndian.Uint16(h[4:]))
		size := headerSize + length + int(h[6])
		if h[0] != 1 || binary.BigEndian.Uint16(h[2:]) != 1 || size > in.Size() {
			return errUnexpected
		}
		whole, err := in.Peek(size)
		if err != nil {
			return err
		}
		switch kind {
		case typeBegin:
			reply = a.plain
		case typeParams:
			// Readers who name encodings name gzip here.
			if bytes.Contains(whole, []byte("HTTP_ACCEPT_ENCODING")) {
				reply = a.zipped
			}
		case typeStdin:
			if length > 0 {
				break
			}
			if _, err := c.Write(reply); err != nil {
				return err
			}
		default:
			return errUnexpected
		}
		if _, err := in.Discard(size); err != nil {
			return err
		}
	}
}
