// Encodings: gzip and brotli, each made once, where it pays.

package render

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// gzipLevel makes documentation's pages 4 % longer than the highest level does, in a third of its
// time, and 1 % longer than the next one, in two thirds of its time. Level 1 takes two thirds of
// this one's time for pages that are 15 % longer.
const gzipLevel = 6

// brotliLevel makes the same pages 17 % shorter than gzip's level 6, in three times its time. For 1 % less,
// level 6 takes 1.15 times as long as this one, for 3 % less level 9 twice as long, for 16 % less level 11
// 95 times as long. Level 4 saves a fifth of the time, and loses two fifths of what brotli gains.
const brotliLevel = 5

// brotliWindow is log2 of how far back brotli looks, in bytes: 1 MiB, more than MaxKept.
const brotliWindow = 20

// pays is the least number of bytes that gzip must save of identity, and brotli of gzip: fewer
// cost more in header fields, in the reader's time and in memory than they bring.
const pays = 64

// errPacked is the error of gzip that does not end where it should.
var errPacked = errors.New("damaged")

// Encoder makes the encodings of documents, and reads gzip. The zero value is ready, and safe for concurrent use.
type Encoder struct {
	gzips, brotlis sync.Pool // of resetter
	readers        sync.Pool // of *gzip.Reader
}

// resetter is a compressing writer that can be used again.
type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Gzip returns doc with gzip, or doc itself where it would not pay.
func (e *Encoder) Gzip(doc *Document) (*Document, error) {
	if doc.Gzip != nil || doc.Complete {
		return doc, nil
	}
	d := *doc
	if !encodable(doc.Type, doc.Body) {
		d.Complete = true
		return &d, nil
	}
	var err error
	d.Gzip, err = encode(&e.gzips, newGzip, doc.Body, len(doc.Body)-pays)
	return &d, err
}

// Complete returns doc with every encoding that pays, and its body.
func (e *Encoder) Complete(doc *Document) (*Document, error) {
	if doc.Complete {
		return doc, nil
	}
	doc, err := e.Gzip(doc)
	if err != nil || doc.Complete {
		return doc, err
	}
	d := *doc
	d.Complete = true
	if d.Body, err = e.Identity(doc); err != nil {
		return nil, err
	}
	best := len(d.Body)
	if d.Gzip != nil {
		best = len(d.Gzip)
	}
	d.Brotli, err = encode(&e.brotlis, newBrotli, d.Body, best-pays)
	return &d, err
}

// Unpack returns the size bytes that are packed in gzip. It is an error where there are more or
// fewer, or where their checksum is wrong.
func (e *Encoder) Unpack(packed []byte, size int) ([]byte, error) {
	r, _ := e.readers.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer e.readers.Put(r)
	in := bytes.NewReader(packed)
	defer in.Reset(nil) // keeps packed from living on in the pool
	if err := r.Reset(in); err != nil {
		return nil, fmt.Errorf("render: unpacking a page: %w", err)
	}
	r.Multistream(false)
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("render: unpacking a page: %w", err)
	}
	var more [1]byte
	if n, err := r.Read(more[:]); n > 0 || !errors.Is(err, io.EOF) || in.Len() > 0 {
		return nil, fmt.Errorf("render: unpacking a page: more than %d bytes, or no end: %w", size, errPacked)
	}
	return body, nil
}

// Identity returns the body of a document, in whatever form that is.
func (e *Encoder) Identity(doc *Document) ([]byte, error) {
	if doc.Body != nil || doc.Gzip == nil {
		return doc.Body, nil
	}
	size := uint32(0)
	if n := len(doc.Gzip); n >= 4 { // RFC 1952, 2.3.1: the last field
		size = binary.LittleEndian.Uint32(doc.Gzip[n-4:])
	}
	if size > MaxKept {
		return nil, fmt.Errorf("render: unpacking a page: %d bytes: %w", size, errPacked)
	}
	return e.Unpack(doc.Gzip, int(size))
}

func newGzip() (resetter, error) { return gzip.NewWriterLevel(nil, gzipLevel) }

func newBrotli() (resetter, error) {
	return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliLevel, LGWin: brotliWindow}), nil
}

// encode returns body as a writer of the pool compresses it, or nil where that is longer than most
// bytes. Equal bodies give equal bytes.
func encode(pool *sync.Pool, make func() (resetter, error), body []byte, most int) ([]byte, error) {
	w, _ := pool.Get().(resetter)
	if w == nil {
		var err error
		if w, err = make(); err != nil {
			return nil, fmt.Errorf("render: encoding a page: %w", err)
		}
	}
	var out bytes.Buffer
	out.Grow(len(body) / 2)
	w.Reset(&out)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("render: encoding a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("render: encoding a page: %w", err)
	}
	w.Reset(io.Discard) // keeps out from living on in the pool
	pool.Put(w)
	if out.Len() > most {
		return nil, nil
	}
	return bytes.Clone(out.Bytes()), nil // without the buffer's spare room
}

// encodable reports whether a body may be worth compressing.
func encodable(mediaType string, body []byte) bool {
	return len(body) > pays && compressible(mediaType)
}

// compressible reports whether bodies of a media type are worth compressing.
func compressible(mediaType string) bool {
	t, _, _ := strings.Cut(mediaType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch t {
	case "application/javascript", "application/json", "application/xml", "application/wasm",
		"application/vnd.ms-fontobject", "font/ttf", "font/otf",
		"image/bmp", "image/x-ms-bmp", "image/vnd.microsoft.icon", "image/x-icon", "image/x-xbitmap", "image/x-xpixmap":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+json")
}
