package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pagemap/render"
)

func testDocument() *render.Document {
	return &render.Document{
		Type:     "text/html; charset=EUC-KR",
		Language: "ko",
		Modified: time.Date(1999, 12, 31, 23, 59, 59, 123456789, time.UTC),
		Revision: "12-abc",
		ETag:     "0123456789abcdefghijkl",
		Body:     []byte("<p>hello</p>"),
		Gzip:     []byte("\x1f\x8bhello"),
	}
}

func TestValueRoundTrip(t *testing.T) {
	big := testDocument()
	big.Body = bytes.Repeat([]byte("x"), 900<<10)
	early := testDocument()
	early.Modified = time.Unix(-1, 999999999).UTC()
	for _, tt := range []struct {
		name string
		doc  *render.Document
	}{
		{"usual", testDocument()},
		{"large", big},
		{"before 1970", early},
		{"empty", &render.Document{Body: []byte{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, secret := KeyOf(tt.name), []byte("secret")
			value := encode(secret, key, tt.doc)
			if len(value) != valueLen(tt.doc) {
				t.Errorf("length %d, valueLen says %d", len(value), valueLen(tt.doc))
			}
			got, err := decode(secret, key, value)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.doc) {
				t.Errorf("got %+v, want %+v", got, tt.doc)
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
			if _, err := decode(secret, key, value); !errors.Is(err, errRejected) {
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

// TestValueVersion: a value of another version is sealed correctly and still not read.
func TestValueVersion(t *testing.T) {
	key := KeyOf("a")
	value := encode(nil, key, testDocument())
	value[macStart-1]++
	copy(value[macStart:], seal(nil, value))
	if _, err := decode(nil, key, value); !errors.Is(err, errRejected) {
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
	huge := bytes.Clone(good)
	binary.BigEndian.PutUint32(huge[lenStart:], 1<<32-1)
	f.Add(huge)
	f.Add([]byte(strings.Repeat(magic, 40)))
	f.Fuzz(func(t *testing.T, value []byte) {
		doc, err := parse(value)
		if err != nil {
			if !errors.Is(err, errRejected) {
				t.Fatal(err)
			}
			return
		}
		again := encode(nil, Key(value[keyStart:timeStart]), doc)
		copy(again[macStart:keyStart], value[macStart:keyStart])
		if !bytes.Equal(again, value) {
			t.Errorf("read as %+v, which is written differently", doc)
		}
	})
}
