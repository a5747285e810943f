package convert_test

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"pagemap/mapping"
	"pagemap/render/wiki/compare"
	"pagemap/render/wiki/convert"
	"pagemap/render/wiki/span"
)

// trees are the documentation of two packages of Debian's, with the id of the element that holds a page's content.
var trees = []struct {
	name, dir, id string
	want          int // pages, at most
}{
	{"apache2-doc en", "/usr/share/doc/apache2-doc/manual/en", "page-content", 250},
	{"apache2-doc ko", "/usr/share/doc/apache2-doc/manual/ko", "page-content", 120},
	{"apache2-doc ja", "/usr/share/doc/apache2-doc/manual/ja", "page-content", 120},
	{"cppreference", "/usr/share/cppreference/doc/html/en", "content", 250},
}

type moved struct {
	file string
	compare.Result
	raw int
}

// TestRealPages converts real pages, draws what came of them, and compares that with the old pages.
func TestRealPages(t *testing.T) {
	for _, tree := range trees {
		t.Run(tree.name, func(t *testing.T) {
			files := pages(t, tree.dir, tree.want)
			all := make([]moved, len(files))
			var group sync.WaitGroup
			for w := range 2 {
				group.Go(func() {
					for i := w; i < len(files); i += 2 {
						all[i] = move(t, tree.dir, files[i], tree.id)
					}
				})
			}
			group.Wait()
			all = slices.DeleteFunc(all, func(m moved) bool { return m.file == "" })
			mean, p5 := distribution(t, all)
			if mean < 0.98 || p5 < 0.95 {
				t.Errorf("mean %.4f (at least 0.98), 5th percentile %.4f (at least 0.95)", mean, p5)
			}
		})
	}
}

// distribution prints how much of the pages was kept, the worst first in all, and is the mean and the 5th percentile. A link
// within the site, an image or raw HTML is an error.
func distribution(t *testing.T, all []moved) (mean, p5 float64) {
	t.Helper()
	slices.SortFunc(all, func(a, b moved) int { return cmp.Or(cmp.Compare(a.Score, b.Score), strings.Compare(a.file, b.file)) })
	sum, links, images, headings, ids := 0.0, 0, 0, 0, 0
	for _, m := range all {
		sum += m.Score
		internal := slices.DeleteFunc(slices.Clone(m.LinksLost), func(l string) bool { return !strings.HasPrefix(l, "/") })
		links += len(m.LinksLost)
		images += len(m.ImagesLost)
		headings += len(m.HeadingsLost)
		ids += len(m.IDsLost)
		if len(internal)+len(m.ImagesLost)+m.raw > 0 {
			t.Errorf("%s: links lost %q, images lost %q, raw HTML %d", m.file, clip(internal), clip(m.ImagesLost), m.raw)
		}
	}
	mean, p5 = sum/float64(len(all)), all[len(all)/20].Score
	t.Logf("%d pages: words kept: mean %.4f, 5th percentile %.4f, worst %.4f; lost: %d links, %d images, %d headings, %d ids of style sheets",
		len(all), mean, p5, all[0].Score, links, images, headings, ids)
	for _, m := range all[:min(10, len(all))] {
		t.Logf("%.4f %s: words lost %q; headings %q; links %q", m.Score, m.file, clip(m.WordsLost), clip(m.HeadingsLost), clip(m.LinksLost))
	}
	return mean, p5
}

func clip(s []string) []string { return s[:min(len(s), 12)] }

// pages are at most n files of a tree, spread evenly.
func pages(t *testing.T, dir string, n int) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".html") {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no pages below %s: install apache2-doc and cppreference-doc-en-html: %v", dir, err)
		}
		t.Skipf("no pages below %s", dir)
	}
	if testing.Short() {
		n = min(n, 40)
	}
	step := max(1, len(files)/n)
	for i := range files {
		if i%step == 0 {
			files[i/step] = files[i]
		}
	}
	return files[:min(n, len(files)/step)]
}

// move converts a page, and compares.
func move(t *testing.T, dir, file, id string) moved {
	old, place := regionOf(t, dir, file, id)
	if old == "" {
		return moved{}
	}
	md, err := convert.Markdown(old, place)
	if err != nil {
		t.Error(err)
	}
	if again, _ := convert.Markdown(old, place); !bytes.Equal(md, again) {
		t.Errorf("%s: two conversions differ", file)
	}
	keep(file, ".md", md)
	fresh, raw := draw(t, md)
	r, err := compare.Fragments(old, fresh, place)
	if err != nil {
		t.Error(err)
	}
	return moved{file, r, raw}
}

// regionOf is the content of a page, and where it stands; "" of one that has none.
func regionOf(t *testing.T, dir, file, id string) (string, convert.Place) {
	name, _ := filepath.Rel(filepath.Dir(dir), file)
	place := convert.Place{Path: mapping.PathOfFile(filepath.ToSlash(name)), Hosts: mapping.Hosts{"en.cppreference.com", "www.example.org"}}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return "", place
	}
	utf8, err := charset.NewReader(bytes.NewReader(old), "text/html")
	if err != nil {
		t.Error(err)
		return "", place
	}
	doc, err := html.Parse(utf8)
	if err != nil {
		t.Error(err)
		return "", place
	}
	var region bytes.Buffer
	for n := range doc.Descendants() {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "id" && a.Val == id }) {
			for c := range n.ChildNodes() {
				_ = html.Render(&region, c)
			}
			break
		}
	}
	return region.String(), place
}

// keep writes what was converted below a directory where the environment names one, to be looked at.
func keep(file, ending string, text []byte) {
	if out := os.Getenv("PAGEMAP_CONVERTED"); out != "" {
		to := filepath.Join(out, file+ending)
		_ = os.MkdirAll(filepath.Dir(to), 0o755)
		_ = os.WriteFile(to, text, 0o644)
	}
}

// draw is Markdown as the wiki of files reads it, as HTML without what is raw in it, and how much of that there is.
func draw(t *testing.T, md []byte) (fragment string, raw int) {
	g := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.DefinitionList, extension.Footnote, span.Extension),
		goldmark.WithParserOptions(parser.WithAttribute()))
	root := g.Parser().Parse(text.NewReader(md))
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if k := n.Kind(); entering && (k == ast.KindRawHTML || k == ast.KindHTMLBlock) {
			raw++
		}
		return ast.WalkContinue, nil
	})
	var b bytes.Buffer
	if err := g.Renderer().Render(&b, md, root); err != nil {
		t.Error(err)
	}
	return b.String(), raw
}
