// Tests of the crawl.

package tree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

// crawl writes down a walk, one line an item.
func crawl(t *testing.T, tr *Tree) string {
	t.Helper()
	var b strings.Builder
	err := tr.Walk(t.Context(), func(it Item) error {
		switch it.Kind {
		case Served:
			info, err := it.Info()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "served %s %s %d", it.Path, it.File, info.Size)
			if info.Path != it.File {
				fmt.Fprintf(&b, " real %s", info.Path)
			}
			b.WriteString("\n")
		case Refused:
			fmt.Fprintf(&b, "refused /%s %s\n", strings.TrimPrefix(it.Name, "./"), it.Refusal.Reason)
		case Configured:
			fmt.Fprintf(&b, "configured %s\n", it.Path)
		case LinkedDir:
			fmt.Fprintf(&b, "linked %s %s\n", it.Path, it.Target)
		case Ambiguous:
			fmt.Fprintf(&b, "ambiguous %s %v\n", it.Path, it.Spelling)
		}
		return nil
	})
	must(t, err)
	return b.String()
}

func TestWalk(t *testing.T) {
	root := build(t, map[string]string{
		"index.html":          "home",
		"index.htm":           "second",
		"a/b%.html":           "1",
		"a/b c*?.html":        "1",
		"a/\xff\xfe.html":     "1",
		"a/new\nline.html":    "1",
		"new\ndir/x.html":     "1",
		"a.html":              "1",
		"A.HTML":              "1",
		"noindex/x.html":      "1",
		"empty/":              "",
		"link.html":           "-> a.html",
		"linked":              "-> a",
		"self":                "-> .",
		"out":                 "-> /etc",
		"loop":                "-> loop",
		"broken":              "-> none",
		".git/x":              "",
		".htaccess":           "RewriteEngine On\n",
		".well-known/token":   "t",
		"x.php":               "",
		"private/.htaccess":   "Require all denied",
		"private/x.html":      "",
		"quiet/.htaccess":     "# nothing\n",
		"phpindex/index.html": "-> ../x.php",
		"phpindex/index.htm":  "x",
		"code.php/page.html":  "x",
		"Dir/index.html":      "x",
		"dir":                 "x",
	})
	must(t, unix.Mkfifo(root+"/fifo", 0o644))
	long := strings.Repeat("d", 250) + "/"
	add(t, root, strings.Repeat(long, 8)+strings.Repeat("x", 38), "")
	add(t, root, strings.Repeat(long, 8)+strings.Repeat("x", 40), "")
	tr, _ := open(t, root)
	want := `configured /.htaccess
refused /.git/ dotfile
served /.well-known/token /.well-known/token 1
served /A.HTML /A.HTML 1
served /Dir/ /Dir/index.html 1
served /a/b%20c%2A%3F.html /a/b%20c%2A%3F.html 1
served /a/b%25.html /a/b%25.html 1
refused /a/new
line.html name that no URL can spell
served /a/%FF%FE.html /a/%FF%FE.html 1
served /a.html /a.html 1
refused /broken broken symlink
served /code.php/page.html /code.php/page.html 1
served LONG LONG 0
refused LONGxx name that no URL can spell
served /dir /dir 1
refused /fifo not a regular file
served /index.htm /index.htm 6
served / /index.html 4
served /link.html /link.html 1 real /a.html
linked /linked/ a
refused /loop symlink loop
refused /new
dir/ name that no URL can spell
served /noindex/x.html /noindex/x.html 1
refused /out symlink out of the tree
served /phpindex/ /phpindex/index.htm 1
refused /phpindex/index.html program source
configured /private/.htaccess
refused /private/ restricted by .htaccess
linked /self/ .
refused /x.php program source
ambiguous / [/A.HTML /a.html]
ambiguous / [/Dir /dir]
`
	want = strings.ReplaceAll(want, "LONG", "/"+strings.Repeat(long, 8)+strings.Repeat("x", 38))
	for range 2 {
		if got := crawl(t, tr); got != want {
			t.Errorf("walk:\n%s\nwant:\n%s", got, want)
		}
	}
}

// TestWalkFindsWhatLookupServes compares the crawl with look-ups.
func TestWalkFindsWhatLookupServes(t *testing.T) {
	root := build(t, map[string]string{"index.html": "", "a/index.htm": "", "a/b/x.html": "", "l.html": "-> a/b/x.html", "ld": "-> a"})
	tr, _ := open(t, root)
	err := tr.Walk(t.Context(), func(it Item) error {
		e := tr.Lookup(it.Path, false)
		want := mapping.FileEntry{Kind: mapping.RegularFile}
		if strings.HasSuffix(string(it.Path), "/") {
			want = mapping.FileEntry{Kind: mapping.Directory, Index: filepath.Base(string(it.File))}
			if it.Kind == LinkedDir {
				want.Index = "index.htm"
			}
		}
		if fmt.Sprint(e) != fmt.Sprint(want) {
			t.Errorf("%s: Lookup %+v, want %+v", it.Path, e, want)
		}
		return nil
	})
	must(t, err)
}

func TestWalkEnds(t *testing.T) {
	root := build(t, map[string]string{"a": "", "b": ""})
	tr, _ := open(t, root)
	stop := errors.New("stop")
	if err := tr.Walk(t.Context(), func(Item) error { return stop }); err != stop {
		t.Errorf("error of visit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := tr.Walk(ctx, func(Item) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("cancelled: %v after %d items", err, n)
	}
	must(t, os.RemoveAll(root))
	if err := tr.Walk(t.Context(), func(Item) error { return nil }); err == nil {
		t.Error("walked a root that is gone")
	}
}

// TestWalkDebian crawls documentation that nobody here wrote: every file is
// classified, and what is served is what find lists.
func TestWalkDebian(t *testing.T) {
	for _, root := range []string{
		"/usr/share/doc/python3.11/html", "/usr/share/doc/apache2-doc/manual", "/usr/share/doc/libboost1.74-doc/doc",
		"/usr/share/cppreference/doc/html", "/usr/share/doc/fp-docs/3.2.2",
	} {
		t.Run(root, func(t *testing.T) {
			if _, err := os.Stat(root); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			found, err := exec.Command("find", root, "-type", "f", "-printf", ".").Output()
			must(t, err)
			tr, _ := open(t, root)
			types := mapping.DefaultTypes()
			counts := map[mapping.Class]int{}
			links := 0
			err = tr.Walk(t.Context(), func(it Item) error {
				switch it.Kind {
				case Served:
					info, err := it.Info()
					if err != nil {
						return err
					}
					if info.Path != it.File {
						links++
						return nil
					}
					name, _ := it.File.FileName()
					class := types.Class(name, info.Size, mapping.DefaultImageLimit)
					if class == mapping.ClassDenied {
						t.Errorf("%s is served and denied", name)
					}
					counts[class]++
				case Refused:
					t.Logf("refused %s: %v", it.Path, it.Refusal)
					if it.Refusal.Reason != LinkOut && it.Refusal.Reason != LinkBroken {
						counts[mapping.ClassDenied]++
					}
				}
				return nil
			})
			must(t, err)
			t.Logf("%d files: %d pages, %d data, %d denied; %d symlinks", len(found),
				counts[mapping.ClassPage], counts[mapping.ClassData], counts[mapping.ClassDenied], links)
			if got := counts[mapping.ClassPage] + counts[mapping.ClassData] + counts[mapping.ClassDenied]; got != len(found) || counts[mapping.ClassPage] == 0 {
				t.Errorf("%d files classified, find lists %d", got, len(found))
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	root := build(b, nil)
	for i := range 100 {
		must(b, os.Mkdir(fmt.Sprintf("%s/%d", root, i), 0o755))
		for j := range 100 {
			must(b, os.WriteFile(fmt.Sprintf("%s/%d/%d.html", root, i, j), nil, 0o644))
		}
	}
	tr, err := Open(root, Options{})
	must(b, err)
	defer tr.Close()
	for b.Loop() {
		n := 0
		if err := tr.Walk(b.Context(), func(Item) error { n++; return nil }); err != nil || n != 10000 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/file")
}
