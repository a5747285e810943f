package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// conversation is a connection whose other side has said all it says.
type conversation struct {
	io.Reader
	bytes.Buffer
}

func (c *conversation) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// request is what Apache sends for a GET.
func request(params string) string {
	return string(record(typeBegin, 8)) + "\x00\x01\x01\x00\x00\x00\x00\x00" +
		string(record(typeParams, len(params))) + params +
		string(record(typeParams, 0)) + string(record(typeStdin, 0))
}

func TestServe(t *testing.T) {
	a, err := prepare(bytes.Repeat([]byte("<p>page</p>"), 900))
	if err != nil {
		t.Fatal(err)
	}
	get, zip := request("\x04\x01HOSTh"), request("\x14\x08HTTP_ACCEPT_ENCODINGgzip, br")
	tests := []struct {
		name string
		in   string
		want string
		err  error
	}{
		{name: "nothing"},
		{name: "one request", in: get, want: string(a.plain)},
		{name: "compressed, then plain on the same connection", in: zip + get, want: string(a.zipped) + string(a.plain)},
		{name: "cut short", in: get[:len(get)-3], err: io.EOF},
		{name: "another request's number", in: strings.Replace(get, "\x01\x05\x00\x01", "\x01\x05\x00\x02", 1), err: errUnexpected},
		{name: "an unknown record", in: string(record(9, 0)), err: errUnexpected},
		{name: "HTTP", in: "GET / HTTP/1.1\r\n\r\n", err: errUnexpected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &conversation{Reader: strings.NewReader(tt.in)}
			if err := a.serve(c); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if got := c.Buffer.String(); got != tt.want {
				t.Errorf("%d bytes, want %d", len(got), len(tt.want))
			}
		})
	}
}

func TestAnswerIsOneRecordAndEnd(t *testing.T) {
	out, err := answer("", []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	length := int(out[4])<<8 | int(out[5])
	if out[1] != typeStdout || len(out) != headerSize+length+headerSize+8 || out[headerSize+length+1] != typeEnd {
		t.Errorf("%q", out)
	}
	if !bytes.HasSuffix(out[:headerSize+length], []byte("Content-Length: 4\r\n\r\nbody")) {
		t.Errorf("%q", out)
	}
	if _, err := answer("", make([]byte, 1<<16)); err == nil {
		t.Error("a page that fits into no record was taken")
	}
}
