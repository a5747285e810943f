package render

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
)

// words are what pages of documentation are made of.
var words = strings.Fields(`the library returns a new object of each type when the given name is not found in this
	module or function and raises an exception where its argument has no value otherwise it will be called with
	default parameters from class method example see also section about files which may change between versions
	string number list index table server request response header message connection default true false none`)

// prose is n bytes of a page; others with another seed.
func prose(n int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	for b.Len() < n {
		name := words[random.IntN(len(words))]
		fmt.Fprintf(&b, "<dt id=\"%s-%d\"><a class=\"reference\" href=\"#%[1]s\">%[1]s</a></dt>\n<dd><p>", name, random.IntN(1000))
		for range 5 + random.IntN(20) {
			b.WriteString(words[random.IntN(len(words))] + " ")
		}
		b.WriteString("</p></dd>\n")
	}
	return b.Bytes()[:n]
}

// unpack reads an encoding of a document.
func unpack(t *testing.T, v Variant) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(v.Body)
	var err error
	switch v.Encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestComplete(t *testing.T) {
	noise := make([]byte, 10_000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, tt := range []struct {
		name         string
		mediaType    string
		body         []byte
		gzip, brotli bool
	}{
		{"page", "text/html; charset=utf-8", prose(10_000, 1), true, true},
		{"largest", "text/html", prose(MaxKept, 1), true, true},
		{"brotli saves too little of gzip", "text/html", []byte(strings.Repeat("a", 1000)), true, false},
		{"short", "text/html", []byte("<p>hello</p>"), false, false},
		{"empty", "text/html", nil, false, false},
		{"noise", "text/plain", noise, false, false},
		{"image", "image/png", prose(10_000, 1), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e Encoder
			doc := &Document{Type: tt.mediaType, Body: tt.body}
			doc.SetETag("e")
			first, err := e.Gzip(doc)
			if err != nil {
				t.Fatal(err)
			}
			if (first.Gzip != nil) != tt.gzip || first.Brotli != nil {
				t.Errorf("at first gzip of %d bytes, brotli of %d", len(first.Gzip), len(first.Brotli))
			}
			whole, err := e.Complete(first)
			if err != nil {
				t.Fatal(err)
			}
			if (whole.Gzip != nil) != tt.gzip || (whole.Brotli != nil) != tt.brotli || !whole.Complete {
				t.Errorf("complete: %v, gzip of %d bytes, brotli of %d", whole.Complete, len(whole.Gzip), len(whole.Brotli))
			}
			if doc.Gzip != nil || doc.Complete || first.Brotli != nil {
				t.Error("a document was changed")
			}
			for _, accept := range []string{"gzip", "br"} {
				if got := unpack(t, whole.Select([]string{accept})); !bytes.Equal(got, tt.body) {
					t.Errorf("%s holds %d bytes", accept, len(got))
				}
			}
			if whole.Gzip != nil && len(whole.Gzip)+pays > len(tt.body) || whole.Brotli != nil && len(whole.Brotli)+pays > len(whole.Gzip) {
				t.Errorf("%d bytes, gzip %d, brotli %d: does not pay", len(tt.body), len(whole.Gzip), len(whole.Brotli))
			}
			if again, err := e.Complete(whole); again != whole || err != nil {
				t.Errorf("a complete document is made anew: %v", err)
			}
		})
	}
}

// TestUnpack: gzip gives back the body, if it holds just that.
func TestUnpack(t *testing.T) {
	var e Encoder
	doc, err := e.Gzip(&Document{Type: "text/html", Body: prose(5000, 1)})
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(doc.Gzip)
	damaged[len(damaged)-5] ^= 1 // the checksum
	for _, tt := range []struct {
		name   string
		packed []byte
		size   int
		ok     bool
	}{
		{"right", doc.Gzip, 5000, true},
		{"less", doc.Gzip, 4999, false},
		{"more", doc.Gzip, 5001, false},
		{"nothing", nil, 0, false},
		{"no gzip", doc.Body, 5000, false},
		{"cut", doc.Gzip[:len(doc.Gzip)-1], 5000, false},
		{"bytes behind", append(bytes.Clone(doc.Gzip), 0), 5000, false},
		{"checksum", damaged, 5000, false},
		{"right, after all that", doc.Gzip, 5000, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body, err := e.Unpack(tt.packed, tt.size)
			if (err == nil) != tt.ok || tt.ok && !bytes.Equal(body, doc.Body) {
				t.Errorf("%d bytes, %v", len(body), err)
			}
		})
	}
}

// TestForms: a document in the packed form is complete without its body, which can be brought back.
func TestForms(t *testing.T) {
	var e Encoder
	page := &Document{Type: "text/html", Body: prose(5000, 1)}
	page.SetETag("e")
	whole, err := e.Complete(page)
	if err != nil || whole.Gzip == nil || whole.Brotli == nil {
		t.Fatalf("%d bytes of gzip, %d of brotli, %v", len(whole.Gzip), len(whole.Brotli), err)
	}
	zipped, err := e.Gzip(page)
	if err != nil {
		t.Fatal(err)
	}
	if p := whole.Plain(); p.Gzip != nil || p.Brotli != nil || p.Complete || !bytes.Equal(p.Body, page.Body) || p.Plain() != p {
		t.Errorf("plain: %d bytes, %d of gzip, %d of brotli", len(p.Body), len(p.Gzip), len(p.Brotli))
	}
	packed := zipped.Packed()
	if packed.Body != nil || !bytes.Equal(packed.Gzip, whole.Gzip) || packed.Packed() != packed {
		t.Errorf("packed: %d bytes, %d of gzip", len(packed.Body), len(packed.Gzip))
	}
	if again, err := e.Complete(packed); err != nil || !reflect.DeepEqual(again, whole) {
		t.Errorf("completed: %d bytes, %d of gzip, %d of brotli, %v", len(again.Body), len(again.Gzip), len(again.Brotli), err)
	}
	if v := packed.Select([]string{"br"}); v.Body != nil || v.Encoding != "" || !v.Wanting {
		t.Errorf("selected %q, %d bytes", v.Encoding, len(v.Body))
	}
	for name, doc := range map[string]*Document{"page": page, "complete": whole, "packed": packed, "packed and complete": whole.Packed()} {
		if body, err := e.Identity(doc); err != nil || !bytes.Equal(body, page.Body) {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		if !doc.Varies() {
			t.Errorf("%s does not vary", name)
		}
	}
	short := &Document{Type: "text/html", Body: []byte("<p>"), Complete: true}
	if short.Packed() != short || short.Plain() != short {
		t.Error("a page without encodings has other forms")
	}
	for name, gzip := range map[string][]byte{
		"short": {1, 2}, "no gzip": prose(100, 1), "too large": append(bytes.Clone(packed.Gzip[:len(packed.Gzip)-1]), 1),
	} {
		if body, err := e.Identity(&Document{Gzip: gzip}); err == nil {
			t.Errorf("%s: %d bytes", name, len(body))
		}
	}
}

// TestEncoderTogether: encodings that are made at the same time do not mix, and are the same each time.
func TestEncoderTogether(t *testing.T) {
	var e Encoder
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var last *Document
			for range 5 {
				doc, err := e.Complete(&Document{Type: "text/html", Body: prose(5000, uint64(i))})
				if err != nil {
					t.Error(err)
					return
				}
				for _, accept := range []string{"gzip", "br"} {
					if !bytes.Equal(unpack(t, doc.Select([]string{accept})), doc.Body) {
						t.Errorf("%s of %d holds another", accept, i)
					}
				}
				if last != nil && (!bytes.Equal(last.Gzip, doc.Gzip) || !bytes.Equal(last.Brotli, doc.Brotli)) {
					t.Error("encoded in another way")
				}
				last = doc
			}
		})
	}
	wg.Wait()
}

// TestEncoderKeepsNothing: an encoder does not keep what it made last in memory.
func TestEncoderKeepsNothing(t *testing.T) {
	var e Encoder
	made := make(chan struct{})
	func() {
		doc, err := e.Complete(&Document{Type: "text/html", Body: prose(100_000, 1)})
		if err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(&doc.Body[0], func(int) { close(made) }, 0)
	}()
	runtime.GC()
	<-made
	runtime.KeepAlive(&e)
}

func BenchmarkEncode(b *testing.B) {
	var e Encoder
	plain := &Document{Type: "text/html", Body: prose(10_000, 1)}
	zipped, err := e.Gzip(plain)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name string
		doc  *Document
		make func(*Document) (*Document, error)
	}{
		{"gzip", plain, e.Gzip},
		{"brotli", zipped, e.Complete},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.make(bb.doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
