// Tests of making layouts of pages, small ones and real ones.

package look

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func read(t *testing.T, page string) *Page {
	t.Helper()
	p, err := ReadPage([]byte(page), "text/html")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDerive(t *testing.T) {
	tests := []struct {
		name    string
		page    string
		options DeriveOptions
		others  []string
		want    string
		removed string // line: text
		left    string // lines with relative URLs
	}{
		{
			name:    "whole page",
			page:    "<!DOCTYPE html><HTML><head><title>A</title>\n</HEAD><body class=x>\r\n<div id='c'>old</div><p>end</body></html>\n",
			options: DeriveOptions{Selector: "#c"},
			want:    "<!DOCTYPE html><HTML><head><title><!--pagemap:title--></title>\n<!--pagemap:head--></HEAD><body class=x>\r\n<div id='c'><!--pagemap:body select=\"#c\"--></div><p>end</body></html>\n",
		},
		{
			name:    "no head, no title",
			page:    "<body><main>old</main>",
			options: DeriveOptions{Selector: "body > main"},
			want:    `<!--pagemap:head--><body><main><!--pagemap:body select="body &gt; main"--></main>`,
		},
		{
			name:    "heading in the title",
			page:    "<title>Q &amp; A - The Site</title><main><p><h2> Q & A <a>¶</a></h2>x</main>",
			options: DeriveOptions{Selector: "main"},
			want:    `<title><!--pagemap:title--> - The Site</title><main><!--pagemap:body select="main"--></main>`,
		},
		{
			name:    "titles compared",
			page:    "<title>The Site: About us - Deutschland</title><main>x</main>",
			options: DeriveOptions{Selector: "main"},
			others:  []string{"<title>The Site: Contact us - Deutschland</title>", "<title>The Site: Our us - Deutschland</title>"},
			want:    `<title>The Site: <!--pagemap:title--> - Deutschland</title><main><!--pagemap:body select="main"--></main>`,
		},
		{
			name:    "titles alike by chance",
			page:    "<title>About us</title><main>x</main>",
			options: DeriveOptions{Selector: "main"},
			others:  []string{"<title>Ask us</title>"},
			want:    `<title><!--pagemap:title--></title><main><!--pagemap:body select="main"--></main>`,
		},
		{
			name: "what speaks of the page",
			page: "<head>\n<link rel=canonical href=/a><LINK REL='Alternate' hreflang=de href=/b>\n<link rel=\"alternate stylesheet\" href=/s><meta name=description content=x>" +
				"<meta property='og:url' content=y><meta name=viewport content=z></head><main>x<link rel=canonical></main>",
			options: DeriveOptions{Selector: "main"},
			want: "<head>\n\n<link rel=\"alternate stylesheet\" href=/s><meta name=viewport content=z><!--pagemap:head--></head>" +
				`<main><!--pagemap:body select="main"--></main>`,
			removed: "2: <link rel=canonical href=/a>|2: <LINK REL='Alternate' hreflang=de href=/b>|3: <meta name=description content=x>|3: <meta property='og:url' content=y>",
		},
		{
			name:    "kept",
			page:    "<head><link rel=canonical href=/a></head><main>x</main>",
			options: DeriveOptions{Selector: "main", Keep: true},
			want:    `<head><link rel=canonical href=/a><!--pagemap:head--></head><main><!--pagemap:body select="main"--></main>`,
		},
		{
			name: "relative URLs",
			page: "<a href=\"x.html\"></a><a href=/x></a><a href='#f'></a><a href=mailto:a@b></a><a href='//h/x'></a>\n<img src=../i.png alt='x/y.png'>" +
				"<main><a href=in></a></main>",
			options: DeriveOptions{Selector: "main"},
			want: "<a href=\"x.html\"></a><a href=/x></a><a href='#f'></a><a href=mailto:a@b></a><a href='//h/x'></a>\n<img src=../i.png alt='x/y.png'>" +
				`<main><!--pagemap:body select="main"--></main>`,
			left: "1 2",
		},
		{
			name: "relative URLs made absolute",
			page: "<a href=\"x.html?a&amp;b#c\"></a><img src= ../i.png alt='x/y.png'><form action='./'></form><a href='?q'></a><script src=a.js></script>" +
				"<main>x</main>",
			options: DeriveOptions{Selector: "main", Base: "/docs/mod/core.html"},
			want: "<a href=\"/docs/mod/x.html?a&amp;b#c\"></a><img src= /docs/i.png alt='x/y.png'><form action='/docs/mod/'></form><a href='?q'></a><script src=/docs/mod/a.js></script>" +
				`<main><!--pagemap:body select="main"--></main>`,
		},
		{
			name:    "base",
			page:    "<base href='https://www.example.org/'><a href=x></a><main>x</main>",
			options: DeriveOptions{Selector: "main"},
			want:    `<base href='https://www.example.org/'><a href=x></a><main><!--pagemap:body select="main"--></main>`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, o := range tt.others {
				tt.options.Others = append(tt.options.Others, read(t, o))
			}
			d, err := DeriveWith(read(t, tt.page), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if string(d.Layout) != tt.want {
				t.Errorf("layout %q\nwant   %q", d.Layout, tt.want)
			}
			var removed, left []string
			for _, r := range d.Removed {
				removed = append(removed, fmt.Sprintf("%d: %s", r.Line, r.Text))
			}
			for _, r := range d.Relative {
				left = append(left, fmt.Sprint(r.Line))
			}
			if got := strings.Join(removed, "|"); got != tt.removed {
				t.Errorf("removed %q, want %q", got, tt.removed)
			}
			if got := strings.Join(left, " "); got != tt.left {
				t.Errorf("relative URLs in lines %q, want %q", got, tt.left)
			}
		})
	}
}

func TestDeriveErrors(t *testing.T) {
	tests := []struct {
		name, page, contentType, selector string
		want                              error
	}{
		{name: "a layout", page: "<!--pagemap:body--><main>x</main>", selector: "main", want: ErrLayout},
		{name: "no region", page: "<p>", selector: "main", want: ErrRegion},
		{name: "paragraph", page: "<p id=c>x</p>", selector: "#c", want: ErrLayout},
		{name: "UTF-16", page: "<\x00p\x00>\x00<\x00q\x00>\x00", contentType: "text/html; charset=utf-16le", selector: "q", want: ErrCharset},
		{name: "title", page: "<title>x</title>", selector: "title", want: ErrLayout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ReadPage([]byte(tt.page), tt.contentType)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Derive(p, tt.selector); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A page whose charset only its Content-Type told makes a layout that names it.
func TestDeriveNamesCharset(t *testing.T) {
	p, err := ReadPage([]byte("<title>\xc7\xd1</title><main>x</main>"), "text/html; charset=euc-kr")
	if err != nil {
		t.Fatal(err)
	}
	layout, err := Derive(p, "main")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse("l", layout)
	if err != nil {
		t.Fatal(err)
	}
	if l.Charset() != "euc-kr" || l.Selector() != "main" {
		t.Errorf("layout in %s with content %s: %q", l.Charset(), l.Selector(), layout)
	}
}

// The layout of a real page is the page, but for its title and its region.
func TestDeriveRealPages(t *testing.T) {
	for _, tr := range trees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			n, derived := 0, 0
			tr.pages(t, func(file string, page []byte) {
				if n++; n%4 != 0 {
					return
				}
				p, err := ReadPage(page, "text/html")
				if err != nil {
					t.Fatal(err)
				}
				r, err := p.Region(tr.selector)
				if err != nil {
					return
				}
				d, err := DeriveWith(p, DeriveOptions{Selector: tr.selector, Keep: true})
				if err != nil {
					t.Errorf("%s: %v", file, err)
					return
				}
				l, err := Parse(file, d.Layout)
				if err != nil {
					t.Fatal(err)
				}
				var marks []string
				for _, p := range l.parts[:len(l.parts)-1] {
					marks = append(marks, p.mark.name)
				}
				if got := strings.Join(marks, " "); got != "title head body" {
					t.Errorf("%s: marks %s", file, got)
					return
				}
				derived++
				behind := bytes.Join([][]byte{l.parts[1].bytes, l.parts[2].bytes, page[r.Start:r.End], l.parts[3].bytes}, nil)
				if !bytes.HasPrefix(page, l.parts[0].bytes) || !bytes.HasSuffix(page, behind) {
					t.Errorf("%s: the layout's bytes are not the page's", file)
					return
				}
				title := page[len(l.parts[0].bytes) : len(page)-len(behind)]
				if len(title) == 0 || bytes.IndexByte(title, '<') >= 0 {
					t.Errorf("%s: the title's own part is %q", file, title)
				}
				// With the same content it is drawn as the page, in its charset.
				text, err := decode(title, p.charset)
				if err != nil {
					t.Fatal(err)
				}
				if strings.ContainsAny(text.text, `&<>"'`) {
					return
				}
				drawn, err := l.Draw(Content{Title: text.text, Body: []byte(r.HTML)})
				if err != nil || !bytes.Equal(drawn, page) {
					t.Errorf("%s: drawn again it is another page (%v)", file, err)
				}
			})
			if derived < tr.min/10 {
				t.Errorf("layouts of %d pages", derived)
			}
		})
	}
}
