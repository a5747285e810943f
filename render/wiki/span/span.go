// Package span is an extension of goldmark for what HTML says in a word or two and Markdown has no sign for. It reads
// what Pandoc calls bracketed spans and attributes of images:
//
//	[]{#install}                      a place that links lead to
//	2[10]{.sup}  H[2]{.sub}O          text above or below the line
//	![map](map.png){width=80 height=60}
//
// A span holds plain text, in which backslashes and entities count, on one line. It becomes an element sup or sub where that is its
// class, and otherwise a span; of its attributes id, class, lang and dir are kept. An image
// takes width, height, id, class, lang and dir. Attributes follow the "]" or the ")" at once. What does not read so is text.
package span

import (
	"strconv"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Extension adds spans and attributes of images.
var Extension goldmark.Extender = extender{}

type extender struct{}

func (extender) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(parser.WithInlineParsers(
		util.Prioritized(spans{}, 190), // before links, at 200
		util.Prioritized(attributes{}, 500),
	))
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(drawn{}, 500)))
}

// Kind is that of a span's node.
var Kind = ast.NewNodeKind("Span")

// Span is a span's node.
type Span struct {
	ast.BaseInline
	Element string // span, sup or sub
}

// Kind is Kind.
func (*Span) Kind() ast.NodeKind { return Kind }

// Dump prints the node.
func (s *Span) Dump(source []byte, level int) { ast.DumpHelper(s, source, level, nil, nil) }

var (
	spanKeys  = map[string]bool{"id": true, "class": true, "lang": true, "dir": true}
	imageKeys = map[string]bool{"id": true, "class": true, "lang": true, "dir": true, "width": true, "height": true}
)

// spans reads [text]{attributes}.
type spans struct{}

func (spans) Trigger() []byte { return []byte{'['} }

func (spans) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	end := 1
	for ; end < len(line) && line[end] != ']'; end++ {
		switch line[end] {
		case '\\':
			end++
		case '[', '`', '<':
			return nil
		}
	}
	if end+1 >= len(line) || line[end+1] != '{' {
		return nil
	}
	row, position := block.Position()
	block.Advance(end + 1)
	s := &Span{Element: "span"}
	if !take(s, block, spanKeys) {
		block.SetPosition(row, position)
		return nil
	}
	if class, ok := s.AttributeString("class"); ok {
		switch name := string(class.([]byte)); name {
		case "sup", "sub":
			s.Element = name
			s.RemoveAttributes()
		}
	}
	if end > 1 {
		s.AppendChild(s, ast.NewTextSegment(text.NewSegment(segment.Start+1, segment.Start+end)))
	}
	return s
}

// take reads attributes and gives those of the keys to n.
func take(n ast.Node, block text.Reader, keys map[string]bool) bool {
	found, ok := parser.ParseAttributes(block)
	if !ok {
		return false
	}
	for _, a := range found {
		var value []byte
		switch v := a.Value.(type) {
		case []byte:
			value = v
		case float64:
			value = strconv.AppendFloat(nil, v, 'f', -1, 64)
		}
		if keys[string(a.Name)] && len(value) > 0 {
			n.SetAttribute(a.Name, value)
		}
	}
	return true
}

// attributes reads what follows an image.
type attributes struct{}

func (attributes) Trigger() []byte { return []byte{'{'} }

func (attributes) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	image, ok := parent.LastChild().(*ast.Image)
	if !ok || block.PrecendingCharacter() != ')' || len(image.Attributes()) > 0 {
		return nil
	}
	row, position := block.Position()
	if !take(image, block, imageKeys) {
		block.SetPosition(row, position)
		return nil
	}
	return ast.NewTextSegment(text.NewSegment(position.Start, position.Start)) // consumed, and nothing to show
}

// drawn writes spans as HTML.
type drawn struct{}

func (drawn) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(Kind, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			_, _ = w.WriteString("</" + n.(*Span).Element + ">")
			return ast.WalkContinue, nil
		}
		_, _ = w.WriteString("<" + n.(*Span).Element)
		html.RenderAttributes(w, n, html.GlobalAttributeFilter) // take let none else through
		_, _ = w.WriteString(">")
		return ast.WalkContinue, nil
	})
}
