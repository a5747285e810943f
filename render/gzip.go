// Compression: gzip, once, where it pays.

package render

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipLevel makes documentation's pages 4 % longer than the highest level does, in a
// quarter of its time.
const gzipLevel = 7

// gzipPays is the least number of bytes that gzip must save: fewer cost more in
// header fields, and in the reader's time, than they bring.
const gzipPays = 64

// compressor makes gzip of bodies. The zero value is ready, and safe for concurrent use.
type compressor struct {
	writers sync.Pool // of *gzip.Writer
}

// gzip returns body in gzip, or nil where the type is compressed already or too little is
// saved. Equal bodies give equal bytes.
func (c *compressor) gzip(mediaType string, body []byte) ([]byte, error) {
	if len(body) <= gzipPays || !compressible(mediaType) {
		return nil, nil
	}
	w, _ := c.writers.Get().(*gzip.Writer)
	if w == nil {
		var err error
		if w, err = gzip.NewWriterLevel(nil, gzipLevel); err != nil {
			return nil, fmt.Errorf("render: gzip: %w", err)
		}
	}
	defer c.writers.Put(w)
	var out bytes.Buffer
	out.Grow(len(body) / 2)
	w.Reset(&out)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("render: gzip: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("render: gzip: %w", err)
	}
	if out.Len()+gzipPays > len(body) {
		return nil, nil
	}
	return bytes.Clone(out.Bytes()), nil // without the buffer's spare room
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
