package cache

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/render"
)

// zipped is body in gzip, as small as it gets.
func zipped(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is right
	_, _ = w.Write(body)                                  // into memory
	_ = w.Close()
	return b.Bytes()
}

func testDocument() *render.Document {
	doc := &render.Document{
		Type:     "text/html; charset=EUC-KR",
		Language: "ko",
		Modified: time.Date(1999, 12, 31, 23, 59, 59, 123456789, time.UTC),
		Revision: "12-abc",
		Body:     []byte("<p>hello</p>"),
	}
	doc.Gzip = zipped(doc.Body)
	doc.SetETag("0123456789abcdefghijkl")
	return doc
}

func emptyDocument() *render.Document {
	doc := &render.Document{Body: []byte{}}
	doc.SetETag("")
	return doc
}

func TestValueRoundTrip(t *testing.T) {
	big := testDocument()
	big.Body = bytes.Repeat([]byte("x"), 900<<10)
	big.Gzip = zipped(big.Body)
	bigger := testDocument()
	bigger.Body = bytes.Repeat([]byte("x"), 900<<10+1)
	bigger.Gzip = zipped(bigger.Body)
	plain := testDocument()
	plain.Gzip = nil
	complete := testDocument()
	complete.Brotli, complete.Complete = []byte("br"), true
	early := testDocument()
	early.Modified = time.Unix(-1, 999999999).UTC()
	for _, tt := range []struct {
		name string
		doc  *render.Document
	}{
		{"usual", testDocument()},
		{"plain", plain},
		{"large", big},
		{"too large to be read from gzip", bigger},
		{"before 1970", early},
		{"complete", complete},
		{"empty", emptyDocument()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, secret := KeyOf(tt.name), []byte("secret")
			value := encode(secret, key, tt.doc)
			if len(value) != valueLen(tt.doc) {
				t.Errorf("length %d, valueLen says %d", len(value), valueLen(tt.doc))
			}
			got, err := decode(new(render.Encoder), secret, place{key: key}, value)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.doc) {
				t.Errorf("got %+.300v, want %+.300v", got, tt.doc)
			}
		})
	}
}

// TestValueTampered changes every byte, and cuts at every length.
func TestValueTampered(t *testing.T) {
	for _, secret := range [][]byte{nil, []byte("secret")} {
		key := KeyOf("a")
		value := encode(secret, key, testDocument())
		rejected := func(what string, at int, secret []byte, key Key, value []byte) {
			t.Helper()
			if _, err := decode(new(render.Encoder), secret, place{key: key}, value); !errors.Is(err, ErrRejected) {
				t.Errorf("%s %d: %v", what, at, err)
			}
		}
		for i := range value {
			rejected("cut at", i, secret, key, value[:i])
			other := bytes.Clone(value)
			other[i] ^= 0x20
			rejected("changed byte", i, secret, key, other)
		}
		rejected("longer by", 1, secret, key, append(bytes.Clone(value), 0))
		rejected("another secret", 0, []byte("Secret"), key, value)
		rejected("another key", 0, secret, KeyOf("b"), value)
	}
}

// TestValueGzip: a body that gzip does not hold, or not alone, is rejected, however well it is sealed.
func TestValueGzip(t *testing.T) {
	key := KeyOf("a")
	for _, tt := range []struct {
		name string
		doc  func(*render.Document)
		size int // as the value says
	}{
		{"one byte more", func(*render.Document) {}, 13},
		{"one byte less", func(*render.Document) {}, 11},
		{"none", func(*render.Document) {}, 0},
		{"more than is kept", func(*render.Document) {}, render.MaxKept + 1},
		{"4 GiB", func(*render.Document) {}, 1<<32 - 1},
		{"no gzip", func(d *render.Document) { d.Gzip = []byte("<p>hello</p>") }, 12},
		{"damaged gzip", func(d *render.Document) { d.Gzip[len(d.Gzip)-1] ^= 1 }, 12},
		{"cut gzip", func(d *render.Document) { d.Gzip = d.Gzip[:len(d.Gzip)-1] }, 12},
		{"bytes behind gzip", func(d *render.Document) { d.Gzip = append(d.Gzip, 0) }, 12},
		{"gzip twice", func(d *render.Document) { d.Gzip = append(d.Gzip, d.Gzip...) }, 24},
		{"plain, of another size", func(d *render.Document) { d.Gzip = nil }, 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := testDocument()
			tt.doc(doc)
			value := encode(nil, key, doc)
			binary.BigEndian.PutUint32(value[sizeStart:], uint32(tt.size))
			copy(value[macStart:], seal(nil, value))
			if _, err := decode(new(render.Encoder), nil, place{key: key}, value); !errors.Is(err, ErrRejected) {
				t.Errorf("decode: %v", err)
			}
		})
	}
	// The body beside its own gzip is not how this value is written.
	value := encode(nil, key, testDocument())
	at := headerLen + len("text/html; charset=EUC-KR") + len("ko") + len("12-abc") + len("0123456789abcdefghijkl")
	value = slices.Insert(value, at, []byte("<p>hello</p>")...)
	binary.BigEndian.PutUint32(value[lenStart+4*4:], 12)
	copy(value[macStart:], seal(nil, value))
	if _, err := decode(new(render.Encoder), nil, place{key: key}, value); !errors.Is(err, ErrRejected) {
		t.Errorf("body and gzip: %v", err)
	}
}

// TestValueVersion: a value of another version is sealed correctly and still not read.
func TestValueVersion(t *testing.T) {
	key := KeyOf("a")
	value := encode(nil, key, testDocument())
	value[macStart-1]++
	copy(value[macStart:], seal(nil, value))
	if _, err := decode(new(render.Encoder), nil, place{key: key}, value); !errors.Is(err, ErrRejected) {
		t.Errorf("decode: %v", err)
	}
}

// FuzzParse: whatever the bytes, parse ends; what it accepts is the one encoding of what it
// returns.
func FuzzParse(f *testing.F) {
	good := encode(nil, Key{}, testDocument())
	f.Add(good)
	f.Add(good[:headerLen])
	f.Add(encode(nil, Key{}, &render.Document{}))
	complete := testDocument()
	complete.Brotli, complete.Complete = []byte("br"), true
	f.Add(encode(nil, Key{}, complete))
	huge := bytes.Clone(good)
	binary.BigEndian.PutUint32(huge[lenStart:], 1<<32-1)
	f.Add(huge)
	f.Add([]byte(strings.Repeat(magic, 40)))
	f.Fuzz(func(t *testing.T, value []byte) {
		doc, err := parse(new(render.Encoder), false, value)
		if err != nil {
			if !errors.Is(err, ErrRejected) {
				t.Fatal(err)
			}
			return
		}
		if _, err := parse(new(render.Encoder), true, value); err != nil {
			t.Errorf("not read in the packed form: %v", err)
		}
		again := encode(nil, Key(value[keyStart:timeStart]), doc)
		copy(again[macStart:keyStart], value[macStart:keyStart])
		if !bytes.Equal(again, value) {
			t.Errorf("read as %+v, which is written differently", doc)
		}
	})
}
