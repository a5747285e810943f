// Markdown: the region in the language of wikis in files.

package convert

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/marker"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Markdown is the region of a page as Markdown. It ends with a newline; of a region without content it is empty.
func Markdown(text string, place Place) ([]byte, error) {
	r, err := parse(text, place)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	reflow(r.root)
	shield(r.root)
	out, err := markdown().ConvertNode(r.root)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	if out = bytes.TrimSpace(out); len(out) == 0 {
		return nil, nil
	}
	return append(out, '\n'), nil
}

// markdown is the library with the renderers that it lacks. It escapes nothing: escapeTexts knows what goldmark reads.
func markdown() *converter.Converter {
	c := converter.NewConverter(converter.WithEscapeMode(converter.EscapeModeDisabled),
		converter.WithPlugins(base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false))))
	c.Register.PreRenderer(func(_ converter.Context, root *html.Node) {
		emphases(root)
		escapeTexts(root, where{start: true})
	}, converter.PriorityLate+50) // white space is collapsed
	c.Register.PostRenderer(func(_ converter.Context, text []byte) []byte { // before the ends of lines in code are put in
		return blankLine.ReplaceAll(text, []byte("\n"))
	}, converter.PriorityStandard+10)
	for name, render := range map[string]func(converter.Context, converter.Writer, *html.Node){
		written: writeText, "a": writeLink, "img": writeImage, "code": writeCode, "pre": writePre, "span": writeSpan, "sup": writeRaised, "sub": writeRaised,
		shielded + "strong": writeEmphasis, shielded + "em": writeEmphasis, shielded + "del": writeEmphasis, "dl": writeDefinitions, "table": writeTable, "blockquote": writeQuote,
		"h1": writeHeading, "h2": writeHeading, "h3": writeHeading, "h4": writeHeading, "h5": writeHeading, "h6": writeHeading,
	} {
		kind := converter.TagTypeInline
		if blocks[atom.Lookup([]byte(name))] {
			kind = converter.TagTypeBlock
		}
		c.Register.RendererFor(name, kind, func(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
			render(ctx, w, n)
			return converter.RenderSuccess
		}, converter.PriorityEarly)
	}
	return c
}

// shielded begins the names under which the library does not know emphasis: it would join a strong with an em beside it, and
// put spaces around code.
const shielded = "pagemap-"

func shield(root *html.Node) {
	for d := range root.Descendants() {
		if emphasized(d) {
			d.Data = shielded + d.Data
		}
	}
}

// blankLine is a line of white space, between others.
var blankLine = regexp.MustCompile(`(?m)^ +\n`)

// content is what n holds, as Markdown.
func content(ctx converter.Context, n *html.Node) string {
	var b bytes.Buffer
	ctx.RenderChildNodes(ctx, &b, n)
	return b.String()
}

func writeText(_ converter.Context, w converter.Writer, n *html.Node) {
	_, _ = w.WriteString(n.FirstChild.Data) // a buffer, as all here: it returns no error
}

func writeHeading(ctx converter.Context, w converter.Writer, n *html.Node) {
	text := strings.TrimSpace(content(ctx, n))
	if text == "" {
		return
	}
	if id := attributes(n, "id"); id != "" {
		text += " " + id
	}
	_, _ = w.WriteString("\n\n" + strings.Repeat("#", int(n.Data[1]-'0')) + " " + text + "\n\n")
}

func writeSpan(ctx converter.Context, w converter.Writer, n *html.Node) {
	_, _ = w.WriteString("[]" + cellSafe(n, attributes(n, "id")) + content(ctx, n))
}

// writeRaised writes text above or below the line, which is text alone.
func writeRaised(ctx converter.Context, w converter.Writer, n *html.Node) {
	text := content(ctx, n)
	for c := range n.ChildNodes() {
		if c.Data != written {
			_, _ = w.WriteString(text)
			return
		}
	}
	if text = strings.ReplaceAll(text, "<", `\<`); strings.TrimSpace(text) != "" {
		text = "[" + strings.ReplaceAll(text, `\\<`, `\<`) + "]{." + n.Data + "}"
	}
	_, _ = w.WriteString(text)
}

func writeEmphasis(ctx converter.Context, w converter.Writer, n *html.Node) {
	sign := map[atom.Atom]string{atom.Strong: "**", atom.Em: "*", atom.Del: "~~"}[n.DataAtom]
	if other, ok := attr(n, "delimiter"); ok {
		sign = other
	}
	_, _ = w.WriteString(sign + content(ctx, n) + sign)
}

func writeLink(ctx converter.Context, w converter.Writer, n *html.Node) {
	text := content(ctx, n)
	inner := strings.TrimSpace(text)
	if inner == "" {
		_, _ = w.WriteString(text)
		return
	}
	before, after, _ := strings.Cut(text, inner)
	href, _ := attr(n, "href")
	tip, _ := attr(n, "title")
	if target := strings.ReplaceAll(tip, " ", "_"); strings.Contains(strings.ToLower(href), strings.ToLower(target)) || tip == textOf(n) {
		tip = "" // says only what text or target say
	}
	_, _ = w.WriteString(before + "[" + inner + "](" + destination(href) + title(tip) + ")" + after)
}

func writeImage(_ converter.Context, w converter.Writer, n *html.Node) {
	src, _ := attr(n, "src")
	alt, _ := attr(n, "alt")
	tip, _ := attr(n, "title")
	if tip == alt {
		tip = ""
	}
	alt = escape(strings.Join(strings.Fields(alt), " "), where{link: true, cell: true}, false)
	_, _ = w.WriteString("![" + alt + "](" + destination(src) + title(tip) + ")" + cellSafe(n, attributes(n, "width", "height")))
}

// cellSafe escapes attributes that stand in a cell no further: attributes does. Elsewhere "|" needs no escape.
func cellSafe(n *html.Node, text string) string {
	if inCell(n) {
		return text
	}
	return strings.ReplaceAll(text, `\|`, "|")
}

func inCell(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.Td || p.DataAtom == atom.Th {
			return true
		}
	}
	return false
}

func writeCode(_ converter.Context, w converter.Writer, n *html.Node) {
	_, _ = w.WriteString(codeSpan(textOf(n), inCell(n)))
}

// newline stands for a line's end within code, which the library sees to.
var newline = string(marker.MarkerCodeBlockNewline)

// writePre writes a block of code, and below it the links and images that were in it.
func writePre(ctx converter.Context, w converter.Writer, n *html.Node) {
	code := codeLines(n)
	if len(code) > 0 {
		fence := "```"
		for strings.Contains(strings.Join(code, "\n"), fence) {
			fence += "`"
		}
		_, _ = w.WriteString("\n\n" + fence + language(n) + newline + strings.Join(code, newline) + newline + fence + "\n\n")
	}
	var extras []string
	for d := range n.Descendants() {
		href, ok := attr(d, "href")
		if d.DataAtom == atom.A && ok && visible(d) {
			extras = append(extras, "["+codeSpan(strings.TrimSpace(textOf(d)), false)+"]("+destination(href)+")")
		}
		if d.DataAtom == atom.Img {
			var b bytes.Buffer
			writeImage(ctx, &b, d)
			extras = append(extras, b.String())
		}
	}
	slices.Sort(extras)
	if extras = slices.Compact(extras); len(extras) > 0 {
		_, _ = w.WriteString("\n\n" + strings.Join(extras, " ") + "\n\n")
	}
}

// codeLines are the lines of a pre element, without empty ones at the ends.
func codeLines(n *html.Node) []string {
	text := strings.ReplaceAll(strings.ReplaceAll(textOf(n), "\r\n", "\n"), "\r", "\n")
	all := strings.Split(strings.TrimRight(text, " \t\n"), "\n")
	for len(all) > 0 && strings.TrimSpace(all[0]) == "" {
		all = all[1:]
	}
	return all
}

// languageClasses begin classes that name the language of code.
var languageClasses = []string{"language-", "lang-", "source-", "highlight-source-", "highlight-", "brush:"}

// language is what the classes of a pre element, or of what stands around or in it, say of its language.
func language(n *html.Node) string {
	for _, e := range []*html.Node{n, n.Parent, child(n, atom.Code)} {
		if e == nil {
			continue
		}
		class, _ := attr(e, "class")
		for c := range strings.FieldsSeq(strings.ReplaceAll(class, "brush: ", "brush:")) {
			for _, prefix := range languageClasses {
				if name, ok := strings.CutPrefix(c, prefix); ok && name != "" && strings.IndexFunc(name, func(r rune) bool { return !word(r) && r != '+' && r != '-' && r != '#' }) < 0 {
					return name
				}
			}
		}
	}
	return ""
}

// textOf is the text below n; a line break is one.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
		if d.DataAtom == atom.Br {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// writeDefinitions writes terms, and below each its descriptions, indented.
func writeDefinitions(ctx converter.Context, w converter.Writer, n *html.Node) {
	_, _ = w.WriteString("\n\n")
	described := false
	for c := range n.ChildNodes() {
		text := strings.TrimSpace(content(ctx, c))
		switch {
		case text == "":
		case c.DataAtom == atom.Dt:
			if described {
				_, _ = w.WriteString("\n")
			}
			described = false
			_, _ = w.WriteString(strings.ReplaceAll(text, "\n", " ") + "\n")
		default:
			described = true
			_, _ = w.WriteString(indent(text, ":   ", "    ") + "\n")
		}
	}
	_, _ = w.WriteString("\n\n")
}

func writeQuote(ctx converter.Context, w converter.Writer, n *html.Node) {
	if text := strings.TrimSpace(content(ctx, n)); text != "" {
		_, _ = w.WriteString("\n\n" + strings.ReplaceAll(indent(text, "> ", "> "), "\n> \n", "\n>\n") + "\n\n")
	}
}

// indent writes a text with one thing before its first line and another before the others.
func indent(text, first, others string) string {
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	text = strings.ReplaceAll(text, newline, newline+others)
	return first + strings.ReplaceAll(text, "\n", "\n"+others)
}

// writeTable writes rows, whose cells are lines; one of header cells comes first or is empty.
func writeTable(ctx converter.Context, w converter.Writer, n *html.Node) {
	first := child(n, atom.Tr)
	if first == nil {
		return
	}
	var b strings.Builder
	row := func(tr *html.Node, empty bool) {
		for c := range tr.ChildNodes() {
			text := ""
			if !empty {
				text = strings.Trim(strings.ReplaceAll(content(ctx, c), "\n", " "), " ")
			}
			b.WriteString("| " + text + " ")
		}
		b.WriteString("|\n")
	}
	header := first.FirstChild != nil && first.FirstChild.DataAtom == atom.Th
	row(first, !header)
	for range first.ChildNodes() {
		b.WriteString("| --- ")
	}
	b.WriteString("|\n")
	for tr := range n.ChildNodes() {
		if tr != first || !header {
			row(tr, false)
		}
	}
	_, _ = w.WriteString("\n\n" + b.String() + "\n\n")
}
