// The value: a document as memcached holds it.

package cache

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"pagemap/render"
)

// errRejected is a value that cannot be believed.
var errRejected = errors.New("cache: value rejected")

// magic begins every value.
const magic = "PMC" + string(rune(formatVersion))

// Offsets and sizes in a value, in bytes.
const (
	macStart  = len(magic)
	keyStart  = macStart + sha256.Size
	timeStart = keyStart + len(Key{})
	lenStart  = timeStart + 12
	partCount = 6
	headerLen = lenStart + 4*partCount
)

// encode returns the value of doc under key, sealed with secret.
func encode(secret []byte, key Key, doc *render.Document) []byte {
	b := make([]byte, headerLen, valueLen(doc))
	copy(b, magic)
	copy(b[keyStart:], key[:])
	binary.BigEndian.PutUint64(b[timeStart:], uint64(doc.Modified.Unix()))
	binary.BigEndian.PutUint32(b[timeStart+8:], uint32(doc.Modified.Nanosecond()))
	at := lenStart
	part := func(n int) {
		binary.BigEndian.PutUint32(b[at:], uint32(n))
		at += 4
	}
	for _, s := range [...]string{doc.Type, doc.Language, doc.Revision, doc.ETag} {
		part(len(s))
		b = append(b, s...)
	}
	for _, s := range [...][]byte{doc.Body, doc.Gzip} {
		part(len(s))
		b = append(b, s...)
	}
	copy(b[macStart:], seal(secret, b))
	return b
}

// valueLen is the length of doc's value.
func valueLen(doc *render.Document) int {
	return headerLen + len(doc.Type) + len(doc.Language) +
		len(doc.Revision) + len(doc.ETag) + len(doc.Body) + len(doc.Gzip)
}

// seal returns the HMAC of value, which is at least a header long, without the
// place where the HMAC goes.
func seal(secret, value []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(value[:macStart])
	h.Write(value[keyStart:])
	return h.Sum(nil)
}

// decode returns the document of a value that encode made under key with
// secret, or errRejected. The document's bodies are parts of value.
func decode(secret []byte, key Key, value []byte) (*render.Document, error) {
	if len(value) < headerLen || !hmac.Equal(seal(secret, value), value[macStart:keyStart]) {
		return nil, errRejected
	}
	if !bytes.Equal(value[keyStart:timeStart], key[:]) {
		return nil, errRejected
	}
	return parse(value)
}

// parse reads the fields of a value whose HMAC and key are right, or returns errRejected.
func parse(value []byte) (*render.Document, error) {
	if len(value) < headerLen || string(value[:macStart]) != magic {
		return nil, errRejected
	}
	nanos := binary.BigEndian.Uint32(value[timeStart+8:])
	if nanos >= uint32(time.Second) {
		return nil, errRejected
	}
	var parts [partCount][]byte
	rest := value[headerLen:]
	for i := range parts {
		n := binary.BigEndian.Uint32(value[lenStart+4*i:])
		if uint64(n) > uint64(len(rest)) {
			return nil, errRejected
		}
		parts[i], rest = rest[:n:n], rest[n:]
	}
	if len(rest) != 0 {
		return nil, errRejected
	}
	doc := &render.Document{
		Type:     string(parts[0]),
		Language: string(parts[1]),
		Revision: string(parts[2]),
		ETag:     string(parts[3]),
		Body:     parts[4],
		Modified: time.Unix(int64(binary.BigEndian.Uint64(value[timeStart:])), int64(nanos)).UTC(),
	}
	if len(parts[5]) > 0 {
		doc.Gzip = parts[5]
	}
	return doc, nil
}
