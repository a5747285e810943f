// Package fcgitest is a FastCGI client for tests: the web server's side of the
// protocol, which can also break its rules.
package fcgitest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Record types.
const (
	Begin     = 1
	Abort     = 2
	End       = 3
	Params    = 4
	Stdin     = 5
	Stdout    = 6
	Stderr    = 7
	GetValues = 9
	Values    = 10
	Unknown   = 11
)

// Record is one record. Its padding is not kept.
type Record struct {
	Type    uint8
	ID      uint16
	Content []byte
}

// Bytes returns the record as it is sent, without padding.
func (r Record) Bytes() []byte {
	b := []byte{1, r.Type}
	b = binary.BigEndian.AppendUint16(b, r.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Content)))
	return append(append(b, 0, 0), r.Content...)
}

// Pairs encodes name-value pairs.
func Pairs(pairs map[string]string) []byte {
	var b []byte
	for name, value := range pairs {
		for _, n := range []int{len(name), len(value)} {
			if n < 0x80 {
				b = append(b, byte(n))
			} else {
				b = binary.BigEndian.AppendUint32(b, uint32(n)|1<<31)
			}
		}
		b = append(append(b, name...), value...)
	}
	return b
}

// Request is a request with the parameters that a web server sends.
type Request struct {
	ID     uint16            // 0: 1
	Method string            // "": GET
	Target string            // REQUEST_URI; "": /
	Host   string            // "": example.org
	Body   string            // sent as STDIN, with CONTENT_LENGTH
	Params map[string]string // these, too, and rather
	Close  bool              // without KEEP_CONN
}

// params returns all parameters.
func (r Request) params() map[string]string {
	p := map[string]string{
		"REQUEST_METHOD": or(r.Method, "GET"), "REQUEST_URI": or(r.Target, "/"), "HTTP_HOST": or(r.Host, "example.org"),
		"SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "fcgitest",
		"SCRIPT_NAME": "/ignored", "PATH_INFO": "/ignored", "QUERY_STRING": "ignored",
		"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711",
	}
	if r.Body != "" {
		p["CONTENT_LENGTH"] = strconv.Itoa(len(r.Body))
	}
	maps.Copy(p, r.Params)
	return p
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Head returns the records up to the end of PARAMS.
func (r Request) Head() []Record {
	flags := byte(1)
	if r.Close {
		flags = 0
	}
	records := []Record{{Begin, r.id(), []byte{0, 1, flags, 0, 0, 0, 0, 0}}}
	records = append(records, stream(Params, r.id(), Pairs(r.params()))...)
	return records
}

// Records returns all records of the request.
func (r Request) Records() []Record {
	return append(r.Head(), stream(Stdin, r.id(), []byte(r.Body))...)
}

func (r Request) id() uint16 { return max(r.ID, 1) }

func stream(kind uint8, id uint16, b []byte) []Record {
	var records []Record
	for len(b) > 0 {
		n := min(len(b), 65535)
		records = append(records, Record{kind, id, b[:n]})
		b = b[n:]
	}
	return append(records, Record{kind, id, nil})
}

// Response is an answer.
type Response struct {
	Status  int
	Header  http.Header
	Body    string
	Stderr  string
	Ended   uint8    // protocol status of END_REQUEST
	Records []Record // as they came
}

// Conn is a connection to a responder. Its reads and writes fail after 10 seconds.
type Conn struct {
	net.Conn
	br *bufio.Reader
}

// Dial connects to a responder.
func Dial(addr net.Addr) (*Conn, error) {
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c, br: bufio.NewReader(c)}, nil
}

// Send sends records, in one write.
func (c *Conn) Send(records ...Record) error {
	var b bytes.Buffer
	for _, r := range records {
		b.Write(r.Bytes())
	}
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Write(b.Bytes())
	return err
}

// Receive reads one record.
func (c *Conn) Receive() (Record, error) {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var h [8]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		return Record{}, err
	}
	b := make([]byte, int(binary.BigEndian.Uint16(h[4:]))+int(h[6]))
	if _, err := io.ReadFull(c.br, b); err != nil {
		return Record{}, errors.Join(errors.New("fcgitest: record is cut off"), err)
	}
	return Record{h[1], binary.BigEndian.Uint16(h[2:]), b[:len(b)-int(h[6])]}, nil
}

// Do sends a request and reads its answer.
func (c *Conn) Do(r Request) (*Response, error) {
	if err := c.Send(r.Records()...); err != nil {
		return nil, err
	}
	return c.Response(r.id())
}

// Response reads the answer to the request with an id, as a web server does:
// up to END_REQUEST, whatever its head says about its length.
func (c *Conn) Response(id uint16) (*Response, error) {
	var stdout bytes.Buffer
	res := &Response{}
	for {
		r, err := c.Receive()
		if err != nil {
			return nil, fmt.Errorf("fcgitest: after %d bytes of answer: %w", stdout.Len(), err)
		}
		res.Records = append(res.Records, r)
		if r.ID != id {
			return nil, fmt.Errorf("fcgitest: record of type %d for request %d", r.Type, r.ID)
		}
		switch r.Type {
		case Stdout:
			stdout.Write(r.Content)
		case Stderr:
			res.Stderr += string(r.Content)
		case End:
			res.Ended = r.Content[4]
			return res, res.parse(stdout.Bytes())
		default:
			return nil, fmt.Errorf("fcgitest: record of type %d", r.Type)
		}
	}
}

// parse parses a CGI answer; none at all has Status 0.
func (res *Response) parse(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	br := bufio.NewReader(bytes.NewReader(b))
	header, err := textproto.NewReader(br).ReadMIMEHeader()
	if err != nil {
		return fmt.Errorf("fcgitest: head of the answer %.200q: %w", b, err)
	}
	body, _ := io.ReadAll(br)
	res.Header, res.Body = http.Header(header), string(body)
	if lines := res.Header["Status"]; len(lines) > 0 {
		status, _, _ := strings.Cut(lines[len(lines)-1], " ") // the last one counts, as for Apache
		res.Status, err = strconv.Atoi(status)
	}
	return err
}
