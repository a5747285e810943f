package render

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRender(t *testing.T) {
	page := "<html>" + strings.Repeat("<p>hello</p>", 1000)
	for _, tt := range []struct {
		name     string // raw, in the tree
		ref      string
		charset  string // configured
		content  string
		wantType string
		wantLang string
		wantGzip bool
	}{
		{name: "page.html", ref: "/page.html", content: page, wantType: "text/html", wantGzip: true},
		{name: "a b%.html", ref: "/a%20b%25.html", content: page, wantType: "text/html", wantGzip: true},
		{name: "\xf3.html", ref: "/%F3.html", content: page, wantType: "text/html", wantGzip: true},
		{name: "dir/index.html", ref: "/dir/index.html", content: page, wantType: "text/html", wantGzip: true},
		{name: "index.html.ko.euc-kr", ref: "/index.html.ko.euc-kr", content: page, wantType: "text/html; charset=euc-kr", wantLang: "ko", wantGzip: true},
		{name: "x.html", ref: "/x.html", charset: "iso-8859-1", content: page, wantType: "text/html; charset=iso-8859-1", wantGzip: true},
		{name: "x.txt", ref: "/x.txt", charset: "iso-8859-1", content: page, wantType: "text/plain; charset=iso-8859-1", wantGzip: true},
		{name: "x.css", ref: "/x.css", charset: "iso-8859-1", content: page, wantType: "text/css", wantGzip: true},
		{name: "x.html.euc-kr", ref: "/x.html.euc-kr", charset: "iso-8859-1", content: page, wantType: "text/html; charset=euc-kr", wantGzip: true},
		{name: "x.svg", ref: "/x.svg", content: page, wantType: "image/svg+xml", wantGzip: true},
		{name: "x.png", ref: "/x.png", content: page, wantType: "image/png"},
		{name: "x.gif", ref: "/x.gif", content: page, wantType: "image/gif"},
		{name: "unknown", ref: "/unknown", content: page},
		{name: "short.html", ref: "/short.html", content: "<p>short</p>", wantType: "text/html"},
		{name: "empty.html", ref: "/empty.html", wantType: "text/html"},
		{name: "random.txt", ref: "/random.txt", content: noise(5000), wantType: "text/plain"},
		{name: "largest.txt", ref: "/largest.txt", content: strings.Repeat("x", MaxKept), wantType: "text/plain", wantGzip: true},
	} {
		t.Run(tt.ref, func(t *testing.T) {
			f, dir := newFiles(t, FileOptions{DefaultCharset: tt.charset})
			write(t, settled, tt.content, dir, tt.name)
			doc, err := f.Render(t.Context(), Page{Ref: tt.ref})
			if err != nil {
				t.Fatal(err)
			}
			if string(doc.Body) != tt.content || doc.Body == nil {
				t.Errorf("body of %d bytes, want %d", len(doc.Body), len(tt.content))
			}
			if doc.Type != tt.wantType || doc.Language != tt.wantLang || doc.Volatile || !doc.Modified.Equal(settled) {
				t.Errorf("got %q, %q, volatile %v, %v", doc.Type, doc.Language, doc.Volatile, doc.Modified)
			}
			if doc.Gzip != nil || doc.Complete {
				t.Error("a file comes with encodings")
			}
			if doc, err = new(Encoder).Gzip(doc); err != nil {
				t.Fatal(err)
			}
			if (doc.Gzip != nil) != tt.wantGzip {
				t.Errorf("gzip of %d bytes, want gzip %v", len(doc.Gzip), tt.wantGzip)
			}
			if doc.Gzip != nil {
				r, err := gzip.NewReader(bytes.NewReader(doc.Gzip))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := io.ReadAll(r); err != nil || string(plain) != tt.content {
					t.Errorf("gzip holds %d bytes, %v", len(plain), err)
				}
				if len(doc.Gzip)+pays > len(doc.Body) {
					t.Errorf("gzip does not pay: %d bytes for %d", len(doc.Gzip), len(doc.Body))
				}
			}
			if cap(doc.Body) != len(doc.Body) {
				t.Errorf("body of %d bytes takes %d", len(doc.Body), cap(doc.Body))
			}
			rev, err := f.Stat(t.Context(), Page{Ref: tt.ref})
			if err != nil {
				t.Fatal(err)
			}
			want := Revision{ID: doc.Revision, Modified: doc.Modified, Size: int64(len(tt.content)), Ref: tt.ref}
			if rev != want {
				t.Errorf("Stat = %+v, want %+v", rev, want)
			}
		})
	}
}

// noise is n bytes that cannot be compressed.
func noise(n int) string {
	var b strings.Builder
	for x := uint64(1); b.Len() < n; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b.WriteByte(byte(x >> 32))
	}
	return b.String()
}

func TestNotFound(t *testing.T) {
	f, dir := newFiles(t, FileOptions{})
	for _, name := range []string{".hidden.html", "dir/page.html", "x.php", "x.html~"} {
		write(t, settled, "x", dir, name)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.html"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "x.html")
	write(t, settled, "secret", outside)
	if err := os.Symlink(outside, filepath.Join(dir, "link.html")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, ref := range []string{
		"", "/", "page", "/missing.html", "/dir", "/dir/", "/dir/page.html/", "/dir/page.html/x", "/.hidden.html",
		"/x.php", "/x.html~", "/fifo.html", "/socket.html", "/link.html", "/../../../../etc/passwd", "/dir%2Fpage.html",
		"/%00", "/%zz", "/dir\x00/page.html", "/" + strings.Repeat("x", 300), "/" + strings.Repeat("x", 3000),
	} {
		if _, err := f.Stat(t.Context(), Page{Ref: ref}); !errors.Is(err, ErrNotFound) {
			t.Errorf("Stat(%.40q): %v", ref, err)
		}
		if _, err := f.Render(t.Context(), Page{Ref: ref}); !errors.Is(err, ErrNotFound) {
			t.Errorf("Render(%.40q): %v", ref, err)
		}
		if _, _, err := f.Open(t.Context(), Page{Ref: ref}); !errors.Is(err, ErrNotFound) {
			t.Errorf("Open(%.40q): %v", ref, err)
		}
	}
}

func TestVolatile(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration // of the file
		want bool
	}{
		{"now", 0, true},
		{"just below 2 s", 2*time.Second - 1, true},
		{"2 s", 2 * time.Second, false},
		{"old", 1e6 * time.Hour, false},
		{"a second ahead", -time.Second, true},
		{"nearly a day ahead", -24*time.Hour + 1, true},
		{"a day ahead", -24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, dir := newFiles(t, FileOptions{Now: func() time.Time { return settled.Add(tt.age) }})
			write(t, settled, "x", dir, "x.html")
			rev, err := f.Stat(t.Context(), Page{Ref: "/x.html"})
			if err != nil || rev.Volatile != tt.want {
				t.Errorf("Stat: %+v, %v", rev, err)
			}
			doc, err := f.Render(t.Context(), Page{Ref: "/x.html"})
			if err != nil || doc.Volatile != tt.want {
				t.Errorf("Render: %+v, %v", doc, err)
			}
		})
	}
}

// TestTags: the ETag tells types, languages and bytes apart, and nothing else.
func TestTags(t *testing.T) {
	f, dir := newFiles(t, FileOptions{})
	tag := func(modified time.Time, content, name string) string {
		t.Helper()
		write(t, modified, content, dir, name)
		doc, err := f.Render(t.Context(), Page{Ref: "/" + name})
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.ETag) != 22 || strings.Trim(doc.ETag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			t.Errorf("ETag %q", doc.ETag)
		}
		return doc.ETag
	}
	first := tag(settled, "one", "a.html")
	if got := tag(settled.Add(time.Hour), "one", "b.html"); got != first {
		t.Errorf("another time and name: %s, want %s", got, first)
	}
	seen := map[string]string{first: "a.html"}
	for _, tt := range []struct{ content, name string }{
		{"two", "a.html"}, {"one", "a.txt"}, {"one", "a.html.ko"}, {"one", "a.html.ko.euc-kr"}, {"one", "unknown"},
	} {
		got := tag(settled, tt.content, tt.name)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the ETag of %s", tt.name, other)
		}
		seen[got] = tt.name
	}
}

func TestTooLarge(t *testing.T) {
	now := settled.Add(time.Hour)
	f, dir := newFiles(t, FileOptions{Now: func() time.Time { return now }})
	content := strings.Repeat("0123456789", MaxKept/10+1)
	write(t, settled, content, dir, "large.html.ko")
	if _, err := f.Render(t.Context(), Page{Ref: "/large.html.ko"}); !errors.Is(err, ErrTooLarge) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("Render: %v", err)
	}
	open := func() *Document {
		t.Helper()
		doc, body, err := f.Open(t.Context(), Page{Ref: "/large.html.ko"})
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if _, err := body.Seek(5, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != content[5:] {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		return doc
	}
	doc := open()
	if doc.Type != "text/html" || doc.Language != "ko" || doc.Body != nil || doc.Gzip != nil || doc.Volatile ||
		!doc.Modified.Equal(settled) || len(doc.ETag) != 22 {
		t.Errorf("head %+v", doc)
	}
	now = now.Add(time.Second)
	if again := open(); again.ETag != doc.ETag {
		t.Errorf("ETag %q, was %q", again.ETag, doc.ETag)
	}
	write(t, settled.Add(time.Minute), content, dir, "large.html.ko")
	if again := open(); again.ETag == doc.ETag {
		t.Error("a changed file has the ETag of before")
	}
	now = settled.Add(time.Minute + time.Second)
	doc = open()
	now = now.Add(time.Millisecond)
	if again := open(); again.ETag == doc.ETag || !doc.Volatile || !again.Volatile {
		t.Error("a volatile file has a lasting ETag")
	}
}

// TestSymlink: a page behind a symlink has the revision of what it leads to, and says where that is.
func TestSymlink(t *testing.T) {
	f, dir := newFiles(t, FileOptions{})
	write(t, settled, "x", dir, "real/x.html")
	if err := os.Symlink("real/x.html", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	rev, err := f.Stat(t.Context(), Page{Ref: "/link.txt"})
	if err != nil || rev.Ref != "/real/x.html" || !rev.Modified.Equal(settled) {
		t.Errorf("Stat: %+v, %v", rev, err)
	}
	doc, err := f.Render(t.Context(), Page{Ref: "/link.txt"})
	if err != nil || string(doc.Body) != "x" || doc.Type != "text/plain" || doc.Revision != rev.ID {
		t.Errorf("Render: %+v, %v", doc, err)
	}
}

// TestDiskTrouble: an error of the disk is no 404.
func TestDiskTrouble(t *testing.T) {
	f, dir := newFiles(t, FileOptions{})
	write(t, settled, "x", dir, "x.html")
	f.SetRead(func(*os.File, []byte) (int, error) { return 0, syscall.EIO })
	if _, err := f.Render(t.Context(), Page{Ref: "/x.html"}); !errors.Is(err, ErrUnavailable) || !errors.Is(err, syscall.EIO) || errors.Is(err, ErrNotFound) {
		t.Errorf("Render: %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	var src Source = Unavailable("no wiki is set up")
	_, statErr := src.Stat(t.Context(), Page{Ref: "Main Page"})
	_, renderErr := src.Render(t.Context(), Page{Ref: "Main Page"})
	for _, err := range []error{statErr, renderErr} {
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), `"Main Page"`) || !strings.Contains(err.Error(), "no wiki is set up") {
			t.Errorf("error %v", err)
		}
	}
}

func benchmarkFile(b *testing.B) *Files {
	f, dir := newFiles(b, FileOptions{})
	var page strings.Builder
	for page.Len() < 20<<10 {
		page.WriteString("<p>" + noise(page.Len() % 50)[:page.Len()%50] + " some text that repeats, as pages do</p>\n")
	}
	write(b, settled, page.String(), dir, "library/page.html")
	return f
}

func BenchmarkStat(b *testing.B) {
	f := benchmarkFile(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Stat(context.Background(), Page{Ref: "/library/page.html"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	f := benchmarkFile(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Render(context.Background(), Page{Ref: "/library/page.html"}); err != nil {
			b.Fatal(err)
		}
	}
}
