// A whole page in one text: style sheets and images of the tree put into it, and nothing left that runs or loads.

package moving

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/look"
	"pagemap/render/wiki/convert"
)

// inlineBudget is how many bytes of style sheets and images are put into a page.
const inlineBudget = 4 << 20

// inliner puts files of the tree into the page at a path.
type inliner struct {
	tree   *Tree
	path   mapping.Path
	budget int
}

// active are elements that run or load something, or lead somewhere by themselves.
var active = []atom.Atom{
	atom.Script, atom.Noscript, atom.Iframe, atom.Frame, atom.Frameset, atom.Object, atom.Embed, atom.Applet, atom.Base, atom.Meta, atom.Template,
	atom.Audio, atom.Video, atom.Source, atom.Track,
}

// head begins every page that is shown: whatever is left in it, nothing is loaded and no script is run.
const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">` +
	`<style>.pagemap-lost{background:#ffd6d6!important;color:#7a0000!important;text-decoration:line-through;outline:1px solid #c00}` +
	`.pagemap-added{background:#d3f5d3!important;color:#004d00!important;outline:1px solid #080}img.pagemap-lost,img.pagemap-added{outline-width:3px}</style>`

// page is the page with the content of the selected element replaced.
func (in *inliner) page(ctx context.Context, p *look.Page, selector, content string) (string, error) {
	var b bytes.Buffer
	if err := html.Render(&b, p.Root()); err != nil { // a copy: the page's own tree is not to be changed
		return "", err
	}
	root, err := html.Parse(&b)
	if err != nil {
		return "", err
	}
	group, err := cascadia.ParseGroup(selector)
	if err != nil {
		return "", err
	}
	place := cascadia.Query(root, group)
	if place == nil {
		return "", fmt.Errorf("%s matches nothing", selector)
	}
	nodes, err := html.ParseFragment(strings.NewReader(content), &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"})
	if err != nil {
		return "", err
	}
	for c := range children(place) {
		place.RemoveChild(c)
	}
	for _, n := range nodes {
		place.AppendChild(n)
	}
	base := in.base(root)
	for _, n := range slices.Collect(root.Descendants()) {
		in.settle(ctx, n, base)
	}
	b.Reset()
	if err := html.Render(&b, root); err != nil {
		return "", err
	}
	text := b.String()
	if i := strings.Index(text, "<head>"); i >= 0 {
		return text[:i+len("<head>")] + head + text[i+len("<head>"):], nil
	}
	return head + text, nil
}

func children(n *html.Node) func(func(*html.Node) bool) {
	return slices.Values(slices.Collect(n.ChildNodes()))
}

// base is the place from which the page's references start.
func (in *inliner) base(root *html.Node) convert.Place {
	place := convert.Place{Path: in.path}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Base {
			place.Base = attribute(n, "href")
			break
		}
	}
	return place
}

// settle makes an element one that neither runs nor loads anything.
func (in *inliner) settle(ctx context.Context, n *html.Node, base convert.Place) {
	if n.Type != html.ElementNode {
		return
	}
	switch {
	case slices.Contains(active, n.DataAtom):
		n.Parent.RemoveChild(n)
		return
	case n.DataAtom == atom.Link:
		if slices.Contains(strings.Fields(strings.ToLower(attribute(n, "rel"))), "stylesheet") {
			if text, _, ok := in.file(ctx, base, attribute(n, "href")); ok {
				place := convert.Place{Path: in.pathOf(base, attribute(n, "href"))}
				style := &html.Node{Type: html.ElementNode, DataAtom: atom.Style, Data: "style", Attr: mediaOf(n)}
				style.AppendChild(&html.Node{Type: html.TextNode, Data: in.sheet(ctx, string(text), place, 0)})
				n.Parent.InsertBefore(style, n)
			}
		}
		n.Parent.RemoveChild(n)
		return
	case n.DataAtom == atom.Style && n.FirstChild != nil:
		n.FirstChild.Data = in.sheet(ctx, n.FirstChild.Data, base, 0)
	}
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "srcset", a.Key == "srcdoc", a.Key == "autofocus":
			continue
		case a.Key == "src":
			a.Val = in.data(ctx, base, a.Val)
		case a.Key == "background":
			a.Val = in.data(ctx, base, a.Val)
		case a.Key == "href" && !strings.HasPrefix(a.Val, "#"): // a link in a page that is shown leads nowhere
			a = html.Attribute{Key: "title", Val: a.Val}
		}
		kept = append(kept, a)
	}
	n.Attr = kept
	if n.DataAtom == atom.A && attribute(n, "href") == "" && attribute(n, "title") != "" {
		n.Attr = append(n.Attr, html.Attribute{Key: "href", Val: "#"}) // looks like one
	}
}

func mediaOf(link *html.Node) []html.Attribute {
	if strings.Contains(strings.ToLower(attribute(link, "rel")), "alternate") {
		return []html.Attribute{{Key: "media", Val: "not all"}}
	}
	if media := attribute(link, "media"); media != "" {
		return []html.Attribute{{Key: "media", Val: media}}
	}
	return nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// pathOf is the path that a reference leads to, without query and fragment; "" outside of the site.
func (in *inliner) pathOf(base convert.Place, ref string) mapping.Path {
	target, _, _ := strings.Cut(base.Resolve(ref), "#")
	target, _, _ = strings.Cut(target, "?")
	p, err := mapping.ParsePath(target)
	if err != nil {
		return ""
	}
	return p
}

// file is a file of the tree that a reference leads to, within the budget, and its type.
func (in *inliner) file(ctx context.Context, base convert.Place, ref string) (content []byte, mediaType string, ok bool) {
	p := in.pathOf(base, ref)
	if p == "" || ref == "" {
		return nil, "", false
	}
	doc, err := in.tree.Sources.Render(ctx, render.Page{Path: p, Ref: string(p)})
	if err != nil || len(doc.Body) > in.budget {
		return nil, "", false
	}
	in.budget -= len(doc.Body)
	return doc.Body, doc.Type, true
}

// data is an image of the tree as a data URI; of others an empty one.
func (in *inliner) data(ctx context.Context, base convert.Place, ref string) string {
	if strings.HasPrefix(ref, "data:image/") {
		return ref
	}
	content, mediaType, ok := in.file(ctx, base, ref)
	if !ok || !strings.HasPrefix(mediaType, "image/") {
		return "data:,"
	}
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content)
}

var (
	cssImport = regexp.MustCompile(`(?i)@import\s+(?:url\(\s*)?["']?([^"')\s;]+)["']?\s*\)?([^;]*);`)
	cssURL    = regexp.MustCompile(`(?i)url\(\s*["']?([^"')]*)["']?\s*\)`)
)

// maxImports is how deep style sheets import others.
const maxImports = 3

// sheet is a style sheet with what it imports and shows put into it. It cannot end its element.
func (in *inliner) sheet(ctx context.Context, text string, base convert.Place, depth int) string {
	imported := ""
	text = cssImport.ReplaceAllStringFunc(text, func(m string) string {
		parts := cssImport.FindStringSubmatch(m)
		content, _, ok := in.file(ctx, base, parts[1])
		if !ok || depth >= maxImports {
			return ""
		}
		sheet := in.sheet(ctx, string(content), convert.Place{Path: in.pathOf(base, parts[1])}, depth+1)
		if media := strings.TrimSpace(parts[2]); media != "" {
			sheet = "@media " + media + "{" + sheet + "}"
		}
		imported += sheet
		return ""
	})
	text = cssURL.ReplaceAllStringFunc(text, func(m string) string {
		return `url("` + in.data(ctx, base, cssURL.FindStringSubmatch(m)[1]) + `")`
	})
	return strings.ReplaceAll(imported+text, "</", `<\/`)
}
