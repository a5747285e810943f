// The value: a document as memcached holds it.

package cache

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"pagemap/render"
)

// ErrRejected is a value in memcached that cannot be believed.
var ErrRejected = errors.New("cache: value rejected")

// magic begins every value.
const magic = "PMC" + string(rune(formatVersion))

// Offsets and sizes in a value, in bytes.
const (
	macStart  = len(magic)
	keyStart  = macStart + sha256.Size
	timeStart = keyStart + len(Key{})
	flagStart = timeStart + 12
	sizeStart = flagStart + 1
	lenStart  = sizeStart + 4
	partCount = 7
	headerLen = lenStart + 4*partCount
)

// encode returns the value of doc under key, sealed with secret.
func encode(secret []byte, key Key, doc *render.Document) []byte {
	b := make([]byte, headerLen, valueLen(doc))
	copy(b, magic)
	copy(b[keyStart:], key[:])
	binary.BigEndian.PutUint64(b[timeStart:], uint64(doc.Modified.Unix()))
	binary.BigEndian.PutUint32(b[timeStart+8:], uint32(doc.Modified.Nanosecond()))
	if doc.Complete {
		b[flagStart] = 1
	}
	binary.BigEndian.PutUint32(b[sizeStart:], uint32(len(doc.Body)))
	at := lenStart
	part := func(n int) {
		binary.BigEndian.PutUint32(b[at:], uint32(n))
		at += 4
	}
	for _, s := range [...]string{doc.Type, doc.Language, doc.Revision, doc.ETag} {
		part(len(s))
		b = append(b, s...)
	}
	for _, s := range [...][]byte{plainBody(doc), doc.Gzip, doc.Brotli} {
		part(len(s))
		b = append(b, s...)
	}
	copy(b[macStart:], seal(secret, b))
	return b
}

// valueLen is the length of doc's value.
func valueLen(doc *render.Document) int {
	return headerLen + len(doc.Type) + len(doc.Language) +
		len(doc.Revision) + len(doc.ETag) + len(plainBody(doc)) + len(doc.Gzip) + len(doc.Brotli)
}

// plainBody is the body as the value holds it: not at all where it is read from gzip.
func plainBody(doc *render.Document) []byte {
	if inGzip(len(doc.Gzip), uint32(len(doc.Body))) {
		return nil
	}
	return doc.Body
}

// inGzip reports whether a body of this size is read from gzip. That of what may be kept is
// bounded, so that a planted value cannot take much more memory than it has bytes itself.
func inGzip(gzip int, size uint32) bool { return gzip > 0 && size <= render.MaxKept }

// seal returns the HMAC of value, which is at least a header long, without the
// place where the HMAC goes.
func seal(secret, value []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(value[:macStart])
	h.Write(value[keyStart:])
	return h.Sum(nil)
}

// decode returns the document of a value that encode made with secret under a place's key, or ErrRejected. The
// document's encodings are parts of value; so is its body where there is no gzip. Where there is, it
// is unpacked for a place whose form needs it.
func decode(encoder *render.Encoder, secret []byte, at place, value []byte) (*render.Document, error) {
	if len(value) < headerLen || !hmac.Equal(seal(secret, value), value[macStart:keyStart]) {
		return nil, ErrRejected
	}
	if !bytes.Equal(value[keyStart:timeStart], at.key[:]) {
		return nil, ErrRejected
	}
	return parse(encoder, at.packed, value)
}

// parse reads the fields of a value whose HMAC and key are right, or returns ErrRejected.
func parse(encoder *render.Encoder, packed bool, value []byte) (*render.Document, error) {
	if len(value) < headerLen || string(value[:macStart]) != magic {
		return nil, ErrRejected
	}
	complete := value[flagStart]
	nanos := binary.BigEndian.Uint32(value[timeStart+8:])
	if nanos >= uint32(time.Second) || complete > 1 {
		return nil, ErrRejected
	}
	var parts [partCount][]byte
	rest := value[headerLen:]
	for i := range parts {
		n := binary.BigEndian.Uint32(value[lenStart+4*i:])
		if uint64(n) > uint64(len(rest)) {
			return nil, ErrRejected
		}
		parts[i], rest = rest[:n:n], rest[n:]
	}
	if len(rest) != 0 {
		return nil, ErrRejected
	}
	size := binary.BigEndian.Uint32(value[sizeStart:])
	if inGzip(len(parts[5]), size) {
		if len(parts[4]) > 0 {
			return nil, ErrRejected
		}
		if parts[4] = nil; !packed {
			var err error
			if parts[4], err = encoder.Unpack(parts[5], int(size)); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrRejected, err)
			}
		}
	} else if uint64(size) != uint64(len(parts[4])) {
		return nil, ErrRejected
	}
	doc := &render.Document{
		Type:     string(parts[0]),
		Language: string(parts[1]),
		Revision: string(parts[2]),
		Body:     parts[4],
		Modified: time.Unix(int64(binary.BigEndian.Uint64(value[timeStart:])), int64(nanos)).UTC(),
		Complete: complete == 1,
	}
	doc.SetETag(string(parts[3]))
	if len(parts[5]) > 0 {
		doc.Gzip = parts[5]
	}
	if len(parts[6]) > 0 {
		doc.Brotli = parts[6]
	}
	return doc, nil
}
