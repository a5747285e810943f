// Tests of pages: regions of small pages, and of all pages of real trees.

package look

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"
)

func TestRegion(t *testing.T) {
	tests := []struct {
		name     string
		page     string
		selector string
		want     string
		err      error
		mentions string // in the error
	}{
		{name: "simple", page: `<html><body><div id="c"> <p>Hi</p> </div></body></html>`, selector: "#c", want: " <p>Hi</p> "},
		{name: "upper case and no quotes", page: `<BODY><DIV ID=c>x</DIV >y`, selector: "#c", want: "x"},
		{name: "slash behind an unquoted value", page: `<body><div id=c/>x</div>y`, selector: `[id="c/"]`, want: "x"},
		{name: "self-closing is not", page: `<body><p>a<div id="c"/>x</div>y`, selector: "#c", want: "x"},
		{name: "end tag left out: p", page: `<body><p id=c>one<p>two`, selector: "#c", want: "one"},
		{name: "end tag left out: td", page: `<table><tr><td>a<td id=c>b <b>c</b><tr><td>d</table>`, selector: "#c", want: "b <b>c</b>"},
		{name: "end tag left out: li", page: `<ul><li>a<li id=c>b</ul>c`, selector: "#c", want: "b"},
		{name: "end of file", page: `<body><div id=c>x<p>y`, selector: "#c", want: "x<p>y"},
		{name: "unfinished tag", page: `<body><div id=c>x<p y`, selector: "#c", want: "x"},
		{name: "closed by body", page: `<body><div id=c>x</body></html>` + "\n", selector: "#c", want: "x"},
		{name: "body", page: "<html><head><title>t</title></head>\n<body class=a> x </body></html>\n", selector: "body", want: " x "},
		{name: "body without end", page: "<title>t</title><body>x", selector: "body", want: "x"},
		{name: "title", page: "<title>a &amp; <b></title><p>x", selector: "title", want: "a &amp; <b>"},
		{name: "end tag in a comment", page: `<div id=c><!-- </div> -->x</div>`, selector: "#c", want: "<!-- </div> -->x"},
		{name: "end tag in a script", page: `<div id=c><script>"</div>"</script>x</div>y`, selector: "#c", want: `<script>"</div>"</script>x`},
		{name: "end tag in a value", page: `<div id=c><a title="</div>">x</a></div>y`, selector: "#c", want: `<a title="</div>">x</a>`},
		{name: "empty", page: `<div id=c></div>`, selector: "#c", want: ""},
		{name: "svg", page: `<div id=c><svg><title>a<b>x</b></title></svg><style>p{}</style></div>y`, selector: "#c", want: `<svg><title>a<b>x</b></title></svg><style>p{}</style>`},
		{name: "svg with style", page: `<div id=c><svg><style>a<g></g></style><![CDATA[ <x> <y> ]]></svg>z</div>y`, selector: "#c", want: `<svg><style>a<g></g></style><![CDATA[ <x> <y> ]]></svg>z`},
		{name: "bold from before", page: `<p><b>x</p><div id=c>y</div>`, selector: "#c", want: "y"},
		{name: "bold to behind", page: `<div id=c><b>y</div>z`, selector: "#c", want: "<b>y"},
		{name: "newline in pre", page: "<pre id=c>\nx</pre>", selector: "#c", want: "\nx"},
		{name: "byte order mark", page: "\uFEFF<!DOCTYPE html><html><div id=c>é</div>", selector: "#c", want: "é"},
		{name: "quirks", page: `<p>a<table><tr><td id=c>x</table>`, selector: "#c", want: "x"},
		{name: "comment of ours", page: `<div id=c><!--pagemap-at1-->x<p pagemap-at="3"></div>`, selector: "#c", want: `<!--pagemap-at1-->x<p pagemap-at="3">`},

		{name: "none", page: "<p>\n\n<p id=x>", selector: "#c", err: ErrRegion, mentions: "line 3: <p id=x>"},
		{name: "two", page: "<p class=c>\n<p class=c>", selector: ".c", err: ErrRegion, mentions: "2 elements"},
		{name: "selector", page: "<p>", selector: "p[", err: ErrSelector},
		{name: "implied element", page: "<table><tr><td>x</table>", selector: "tbody", err: ErrBroken, mentions: "no tag"},
		{name: "void", page: "<img id=c>", selector: "#c", err: ErrBroken, mentions: "no content"},
		{name: "foster-parented element", page: "<table id=c><tr><div>x</div><td>y</table>", selector: "#c", err: ErrBroken},
		{name: "foster-parented text", page: "<table id=c>x<tr><td>y</table>", selector: "#c", err: ErrBroken},
		{name: "body that goes on", page: "<body>x</body>y<p>z", selector: "body", err: ErrBroken},
		{name: "adoption", page: "<b>1<p id=c>2</b>3</p>4", selector: "#c", err: nil, want: "2</b>3"},
		{name: "adopted element", page: "<b id=c>1<p>2</b>3</p>", selector: "#c", err: ErrRegion, mentions: "2 elements"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ReadPage([]byte(tt.page), "text/html; charset=utf-8")
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Region(tt.selector)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tt.mentions) {
					t.Errorf("error %q does not mention %q", err, tt.mentions)
				}
				return
			}
			if r.HTML != tt.want || tt.page[r.Start:r.End] != tt.want {
				t.Errorf("region %q at %q, want %q", r.HTML, tt.page[r.Start:r.End], tt.want)
			}
		})
	}
}

// Every character of a charset is cut at the right bytes.
func TestRegionCharsets(t *testing.T) {
	const page = "<html><head><title>%é</title></head><body>% <div id=\"c\">%<b>%</b>%</div>%</body>"
	tests := []struct{ charset, text string }{
		{"utf-8", "é한"}, {"windows-1252", "é€"}, {"iso-8859-2", "ęł"}, {"koi8-r", "Я"}, {"euc-kr", "한국어 똠"},
		{"shift_jis", "表示ソ能"}, {"euc-jp", "日本"}, {"gbk", "中文镕"}, {"gb18030", "中文ễ"}, {"big5", "功許蓋"},
		{"iso-2022-jp", "日本語"}, {"utf-16le", "é한"}, {"utf-16be", "中"},
	}
	for _, tt := range tests {
		t.Run(tt.charset, func(t *testing.T) {
			enc, err := htmlindex.Get(tt.charset)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(strings.ReplaceAll(page, "é", ""), "%", tt.text)
			raw, err := enc.NewEncoder().Bytes([]byte(text + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := ReadPage(raw, "text/html; charset="+tt.charset)
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Region("#c")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll("%<b>%</b>%", "%", tt.text)
			if r.HTML != want {
				t.Errorf("region %q, want %q", r.HTML, want)
			}
			alone, err := enc.NewDecoder().Bytes(raw[r.Start:r.End])
			if err != nil || string(alone) != want {
				t.Errorf("bytes of the region are %q (%v), want %q", alone, err, want)
			}
			if p.Title() != tt.text || p.Charset() != tt.charset {
				t.Errorf("title %q in %s", p.Title(), p.Charset())
			}
		})
	}
}

func TestDetermine(t *testing.T) {
	long := strings.Repeat("<!-- nothing to see here -->\n", 100)
	tests := []struct{ name, page, contentType, want string }{
		{name: "byte order mark first", page: "\uFEFF<meta charset=koi8-r>", contentType: "text/html; charset=euc-kr", want: "utf-8"},
		{name: "then the type", page: "<meta charset=koi8-r>", contentType: "text/html; charset=EUC-KR", want: "euc-kr"},
		{name: "then meta", page: "<meta charset=koi8-r>\u00e9", contentType: "text/html", want: "koi8-r"},
		{name: "pragma", page: `<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=Shift_JIS">`, want: "shift_jis"},
		{name: "late meta", page: long + "<meta charset=windows-1252>\u00e9", want: "windows-1252"},
		{name: "a meta that declares none", page: `<meta name=k content="charset=koi8-r é">é`, want: "utf-8"},
		{name: "latin1 is windows-1252", page: "<meta charset=iso-8859-1>", want: "windows-1252"},
		{name: "utf-16 in a meta is none", page: "<meta charset=utf-16>", want: "utf-8"},
		{name: "undeclared UTF-8", page: long + "\u00e9", want: "utf-8"},
		{name: "undeclared ASCII", page: "x", want: "utf-8"},
		{name: "undeclared else", page: "\xe9 x", want: "windows-1252"},
		{name: "unknown", page: "x\xe9", contentType: "text/html; charset=klingon", want: "windows-1252"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := determine([]byte(tt.page), tt.contentType); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if _, err := ReadPage([]byte("x"), "text/html; charset=iso-2022-kr"); !errors.Is(err, ErrCharset) {
		t.Errorf("a charset that browsers refuse: %v", err)
	}
}

// tree is a tree of real pages, from a package of the system.
type tree struct {
	name     string
	dir      string
	selector string
	every    int // one page in so many is read
	min      int // pages that the selector must match
}

var trees = []tree{
	{name: "apache", dir: "/usr/share/doc/apache2-doc/manual/en", selector: "#page-content", every: 4, min: 55},
	{name: "apache in Japanese", dir: "/usr/share/doc/apache2-doc/manual/ja", selector: "#page-content", every: 4, min: 55},
	{name: "apache in EUC-KR", dir: "/usr/share/doc/apache2-doc/manual/ko", selector: "#page-content", every: 4, min: 55},
	{name: "apache in Latin-1", dir: "/usr/share/doc/apache2-doc/manual/es", selector: "#page-content", every: 4, min: 55},
	{name: "cppreference", dir: "/usr/share/cppreference/doc/html/en", selector: "#content", every: 37, min: 110},
	{name: "python", dir: "/usr/share/doc/python3.11/html", selector: "[role=main]", every: 9, min: 55},
}

// pages calls visit with the pages of a tree.
func (tr tree) pages(t *testing.T, visit func(file string, page []byte)) {
	t.Helper()
	if _, err := os.Stat(tr.dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n := 0
	err := filepath.WalkDir(tr.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".html") {
			return err
		}
		if n++; n%tr.every != 0 {
			return nil
		}
		page, err := os.ReadFile(file)
		if err == nil {
			visit(file, page)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is cut out of a real page and put back gives the page.
func TestRealPages(t *testing.T) {
	for _, tr := range trees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			matched, all := 0, 0
			tr.pages(t, func(file string, page []byte) {
				all++
				p, err := ReadPage(page, "text/html")
				if err != nil {
					t.Errorf("%s: %v", file, err)
					return
				}
				r, err := p.Region(tr.selector)
				if errors.Is(err, ErrRegion) {
					return
				}
				if err != nil {
					t.Errorf("%s: %v", file, err)
					return
				}
				matched++
				roundTrip(t, file, p, r)
			})
			t.Logf("%d of %d pages", matched, all)
			if matched < tr.min {
				t.Errorf("the selector %s matches %d pages, want at least %d", tr.selector, matched, tr.min)
			}
		})
	}
}

// roundTrip puts a region back, as bytes and as text in the page's charset.
func roundTrip(t *testing.T, file string, p *Page, r Region) {
	t.Helper()
	enc, err := lookup(p.charset)
	if err != nil {
		t.Fatal(err)
	}
	back, err := encode(enc, []byte(r.HTML))
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	if got := bytes.Join([][]byte{p.raw[:r.Start], back, p.raw[r.End:]}, nil); !bytes.Equal(got, p.raw) {
		t.Errorf("%s: cut and put back, the page of %d bytes is one of %d", file, len(p.raw), len(got))
	}
}
