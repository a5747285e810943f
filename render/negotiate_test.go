package render

import (
	"slices"
	"strings"
	"testing"
)

// encoded is a document in every encoding.
func encoded() *Document {
	doc := &Document{Type: "text/html", Body: []byte("identity"), Gzip: []byte("gzip"), Brotli: []byte("br"), Complete: true}
	doc.SetETag("e")
	return doc
}

func TestSelect(t *testing.T) {
	tests := []struct {
		name   string
		lines  []string
		all    string // of a document in every encoding
		noBr   string // of one without brotli
		noGzip string // of one without gzip
	}{
		{"no header", nil, "", "", ""},
		{"empty", []string{""}, "", "", ""},
		{"gzip", []string{"gzip"}, "gzip", "gzip", ""},
		{"brotli", []string{"br"}, "br", "", "br"},
		{"a browser", []string{"gzip, deflate, br, zstd"}, "br", "gzip", "br"},
		{"any case", []string{"GZip, Br"}, "br", "gzip", "br"},
		{"old name", []string{"x-gzip"}, "gzip", "gzip", ""},
		{"among others", []string{"deflate;q=1.0,gzip ; q=0.8 , *;q=0.1"}, "gzip", "gzip", "br"},
		{"second line", []string{"br", "gzip"}, "br", "gzip", "br"},
		{"gzip rather", []string{"br;q=0.8, gzip"}, "gzip", "gzip", "br"},
		{"gzip by a thousandth", []string{"br;q=0.998, gzip;q=0.999"}, "gzip", "gzip", "br"},
		{"brotli rather", []string{"gzip;q=0.5, br;q=0.9"}, "br", "gzip", "br"},
		{"gzip refused", []string{"gzip;q=0"}, "", "", ""},
		{"brotli refused", []string{"br;q=0, gzip"}, "gzip", "gzip", ""},
		{"refused in full", []string{"gzip;q=0.000, br;q=0."}, "", "", ""},
		{"barely", []string{"gzip;q=0.001"}, "gzip", "gzip", ""},
		{"star", []string{"*"}, "br", "gzip", "br"},
		{"star refused", []string{"*;q=0"}, "", "", ""},
		{"star, not brotli", []string{"br;q=0, *;q=1"}, "gzip", "gzip", ""},
		{"star, neither", []string{"gzip;q=0, br;q=0, *;q=1"}, "", "", ""},
		{"gzip, not star", []string{"*;q=0, gzip"}, "gzip", "gzip", ""},
		{"identity preferred", []string{"identity, gzip;q=0.9, br;q=0.9"}, "", "", ""},
		{"identity between", []string{"identity;q=0.5, gzip;q=0.4, br;q=0.6"}, "br", "", "br"},
		{"identity preferred by star", []string{"gzip;q=0.5, br;q=0.4, *"}, "", "", ""},
		{"as glad", []string{"identity, gzip, br"}, "br", "gzip", "br"},
		{"identity refused", []string{"identity;q=0, gzip;q=0.1"}, "gzip", "gzip", ""},
		{"all refused", []string{"identity;q=0, *;q=0"}, "", "", ""},
		{"the gladder of two", []string{"gzip;q=0.1, br;q=0.5, gzip;q=0.9"}, "gzip", "gzip", "br"},
		{"other parameter", []string{"gzip;level=9;q=0"}, "", "", ""},
		{"capital Q", []string{"gzip;Q=0"}, "", "", ""},
		{"above one", []string{"gzip;q=1.001"}, "", "", ""},
		{"too long", []string{"gzip;q=0.0001"}, "", "", ""},
		{"no number", []string{"gzip;q=x"}, "", "", ""},
		{"empty number", []string{"gzip;q="}, "", "", ""},
		{"negative", []string{"gzip;q=-1"}, "", "", ""},
		{"one with a dot", []string{"gzip;q=1."}, "gzip", "gzip", ""},
		{"only commas", []string{",,, ,"}, "", "", ""},
		{"part of a name", []string{"gzipped, notgzip, brotli"}, "", "", ""},
	}
	want := map[string]Variant{
		"":     {Body: []byte("identity"), ETag: `"e"`},
		"gzip": {Body: []byte("gzip"), Encoding: "gzip", ETag: `"e-gzip"`},
		"br":   {Body: []byte("br"), Encoding: "br", ETag: `"e-br"`},
	}
	check := func(t *testing.T, doc *Document, lines []string, encoding string) {
		t.Helper()
		got, want := doc.Select(lines), want[encoding]
		if string(got.Body) != string(want.Body) || got.Encoding != want.Encoding || got.ETag != want.ETag {
			t.Errorf("got %q %q %s, want %q %q %s", got.Encoding, got.Body, got.ETag, want.Encoding, want.Body, want.ETag)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := encoded()
			check(t, doc, tt.lines, tt.all)
			if got, want := Packs(tt.lines), tt.all != ""; got != want {
				t.Errorf("Packs %v, want %v", got, want)
			}
			doc.Brotli = nil
			check(t, doc, tt.lines, tt.noBr)
			doc.Gzip = nil
			check(t, doc, tt.lines, "")
			doc = encoded()
			doc.Gzip = nil
			check(t, doc, tt.lines, tt.noGzip)
		})
	}
}

// TestSelectTag: the tags follow the document's ETag, however it was set.
func TestSelectTag(t *testing.T) {
	for _, tt := range []struct {
		name string
		doc  func() *Document
		want string
	}{
		{"set", encoded, "e"},
		{"set twice", func() *Document { d := encoded(); d.SetETag("longer"); return d }, "longer"},
		{"by hand", func() *Document { d := encoded(); d.quoted, d.ETag = "", "x"; return d }, "x"},
		{"by hand, after it was set", func() *Document { d := encoded(); d.ETag = "f"; return d }, "f"},
		{"a longer one by hand", func() *Document { d := encoded(); d.ETag = "efgh"; return d }, "efgh"},
		{"none", func() *Document { d := encoded(); d.quoted, d.ETag = "", ""; return d }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := tt.doc()
			for accept, suffix := range map[string]string{"identity": "", "gzip": "-gzip", "br": "-br"} {
				if got, want := doc.Select([]string{accept}).ETag, `"`+tt.want+suffix+`"`; got != want {
					t.Errorf("%s: %s, want %s", accept, got, want)
				}
			}
		})
	}
}

func TestSelectAllocs(t *testing.T) {
	doc := encoded()
	for _, lines := range [][]string{nil, {"gzip, deflate, br, zstd"}, {"GZIP;q=0.5", "identity;q=0.9"}} {
		if n := testing.AllocsPerRun(1000, func() { doc.Select(lines); doc.Varies() }); n != 0 {
			t.Errorf("%q allocates %v times", lines, n)
		}
	}
}

// TestVaries: the answer does not change when encodings are added.
func TestVaries(t *testing.T) {
	long := []byte(strings.Repeat("<p>hello</p>", 100))
	for _, tt := range []struct {
		name string
		doc  Document
		want bool
	}{
		{"page", Document{Type: "text/html; charset=utf-8", Body: long}, true},
		{"short page", Document{Type: "text/html", Body: []byte("hello")}, false},
		{"page that is streamed", Document{Type: "text/html"}, false},
		{"image", Document{Type: "image/png", Body: long}, false},
		{"no type", Document{Body: long}, false},
		{"no type, with gzip", Document{Body: long, Gzip: []byte("gzip")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.doc.Varies(); got != tt.want {
				t.Errorf("Varies() = %v", got)
			}
			var e Encoder
			complete, err := e.Complete(&tt.doc)
			if err != nil || complete.Varies() != tt.want || !complete.Complete {
				t.Errorf("when complete: Varies() = %v, %v", complete.Varies(), err)
			}
		})
	}
}

// FuzzSelect: the order of items and their distribution over lines do not count, and nobody gets an
// encoding that is not named.
func FuzzSelect(f *testing.F) {
	for _, s := range []string{"", "gzip", "gzip;q=0.5, identity;q=1", "*;q=0, gzip;q=1.000", "br;q=1,,x-gzip ;q=0.33", "gzip;q=2;q=1", "br;q=0.1, gzip;q=0.10"} {
		f.Add(s)
	}
	doc := encoded()
	f.Fuzz(func(t *testing.T, s string) {
		got := doc.Select([]string{s}).Encoding
		items := strings.Split(s, ",")
		if other := doc.Select(items).Encoding; other != got {
			t.Errorf("%q over several lines: %q, not %q", s, other, got)
		}
		slices.Reverse(items)
		if other := doc.Select([]string{strings.Join(items, ",")}).Encoding; other != got {
			t.Errorf("%q in reverse: %q, not %q", s, other, got)
		}
		if !strings.Contains(strings.ToLower(s), got) && !strings.Contains(s, "*") {
			t.Errorf("%q: %q, which it does not name", s, got)
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	doc := encoded()
	for _, bb := range []struct{ name, line string }{
		{"browser", "gzip, deflate, br, zstd"},
		{"weights", "gzip;q=0.8, br;q=0.9, *;q=0.1"},
		{"hostile", strings.Repeat("gzip;a=b;q=0.123,", 500)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			lines := []string{bb.line}
			b.ReportAllocs()
			for b.Loop() {
				doc.Select(lines)
			}
		})
	}
}

// TestWanting: a document wants completing for clients who would have taken more than it has.
func TestWanting(t *testing.T) {
	body := []byte("identity")
	drawn := &Document{Type: "text/html", Body: body, Gzip: []byte("gzip")}
	bare := &Document{Type: "text/html", Body: body}
	complete := &Document{Type: "text/html", Body: body, Gzip: []byte("gzip"), Complete: true}
	tests := []struct {
		name   string
		doc    *Document
		accept string
		want   bool
	}{
		{"nothing is taken", drawn, "", false},
		{"gzip alone", drawn, "gzip", false},
		{"brotli too", drawn, "gzip, br", true},
		{"brotli less gladly", drawn, "gzip, br;q=0.5", false},
		{"identity more gladly", drawn, "br;q=0.5, identity", false},
		{"no gzip yet", bare, "gzip", true},
		{"brotli does not pay", complete, "gzip, br", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.doc.Select([]string{tt.accept}).Wanting; got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	if drawn.Select(nil).Wanting {
		t.Error("wanting without Accept-Encoding")
	}
}
