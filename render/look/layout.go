// Layout: an HTML file with marks, parsed.

package look

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
)

// MaxLayout is the size in bytes up to which a layout is read.
const MaxLayout = 512 << 10

// drawing is the version of what Draw makes of the same layout and content.
const drawing = "1"

// Layout is a parsed layout. It is immutable.
type Layout struct {
	id       string
	charset  string
	selector string
	encoding encoding.Encoding // nil: UTF-8
	parts    []part
	size     int // of all parts
}

// part is some bytes that are sent as they are, and the mark behind them.
type part struct {
	bytes []byte
	mark  *mark // nil behind the last bytes
}

// Error is what is wrong at one place of a layout. It is an ErrLayout.
type Error struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // in characters, from 1
	What   string `json:"error"`

	cause error // nil, or a sentinel's
}

// Error returns "FILE:LINE:COLUMN: what is wrong".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.What) }

// Unwrap returns what else the error is, if anything.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is ErrLayout.
func (e *Error) Is(target error) bool { return target == ErrLayout }

// Errors are the errors of layouts that an error of Parse or Looks.Check is made of, in its order.
func Errors(err error) []*Error {
	switch err := err.(type) { //nolint:errorlint // it is taken apart here
	case *Error:
		return []*Error{err}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, e := range err.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	return nil
}

// parser is a layout that is being parsed.
type parser struct {
	decoded
	name   string
	marks  []mark
	worded string           // the text, with words for the marks
	word   func(int) string // the word of a mark, by its index
	errs   []error
}

func (p *parser) fail(at int, format string, args ...any) {
	line, column := p.place(at)
	p.errs = append(p.errs, &Error{p.name, line, column, fmt.Sprintf(format, args...), nil})
}

// Parse reads a layout. name is what errors call it. An error joins one *Error for each thing
// that is wrong.
func Parse(name string, file []byte) (*Layout, error) {
	p := parser{name: name}
	if len(file) > MaxLayout {
		p.fail(0, "the layout has %d bytes, at most %d are read", len(file), MaxLayout)
		return nil, errors.Join(p.errs...)
	}
	enc, err := p.decode(file)
	if err != nil {
		return nil, &Error{name, 1, 1, err.Error(), err}
	}
	p.scan()
	body := p.body()
	if p.errs == nil {
		p.contexts()
	}
	if p.errs == nil {
		p.contains(body)
	}
	if p.errs != nil {
		return nil, errors.Join(p.errs...)
	}
	l := &Layout{
		id:       base64.RawURLEncoding.EncodeToString(hash([]byte(drawing+" "+p.charset+"\n"), file)[:16]),
		charset:  p.charset,
		selector: p.marks[body].attributes["select"],
		encoding: enc,
		size:     len(file),
	}
	from := 0
	for i := range p.marks {
		m := &p.marks[i]
		l.parts = append(l.parts, part{file[from:p.at(m.start):p.at(m.start)], m})
		from = p.after(m.end)
	}
	l.parts = append(l.parts, part{bytes: file[from:len(file):len(file)]})
	return l, nil
}

// hash is the SHA-256 of texts, one behind the other.
func hash(texts ...[]byte) []byte {
	h := sha256.New()
	for _, text := range texts {
		h.Write(text)
	}
	return h.Sum(nil)
}

// declaredCharset finds the charset that the body mark names, before it is known how to read the file.
var declaredCharset = regexp.MustCompile(`<!--\s*pagemap:body(?:\s+select="[^"]*")?\s+charset="([^"]*)"`)

// decode reads a layout's text.
func (p *parser) decode(file []byte) (encoding.Encoding, error) {
	name := determine(file, "")
	if m := declaredCharset.FindSubmatch(file); m != nil {
		name = strings.ToLower(string(m[1]))
	}
	if strings.HasPrefix(name, "utf-16") || name == "iso-2022-jp" {
		return nil, fmt.Errorf(`%w: a layout cannot be in %s; convert it: iconv -f %s -t utf-8`, ErrCharset, name, name)
	}
	enc, err := lookup(name)
	if err == nil {
		p.decoded, err = decode(file, name)
	}
	return enc, err
}

// body is the index of the body mark.
func (p *parser) body() int {
	for i, m := range p.marks {
		if m.name != markBody {
			continue
		}
		if s := m.attributes["select"]; s != "" {
			if _, err := cascadia.ParseGroup(s); err != nil {
				p.fail(m.start, "select=%q: %v", s, err)
			}
		}
		return i
	}
	if p.errs == nil {
		p.fail(len(p.text), "the file has no mark for the content: write <!--pagemap:body--> where it belongs")
	}
	return -1
}

// contains checks that an element in place of the body mark stays there.
func (p *parser) contains(body int) {
	word := p.word(body)
	before, after, _ := strings.Cut(strings.TrimPrefix(p.worded, bom), word)
	probe := "<!--" + word + "--><div " + word + "></div><!--" + word + "-->"
	root, err := html.Parse(io.MultiReader(strings.NewReader(before), strings.NewReader(probe), strings.NewReader(after)))
	if err != nil {
		p.fail(p.marks[body].start, "the file cannot be read: %v", err)
		return
	}
	isWord := func(n *html.Node) bool { return n != nil && n.Type == html.CommentNode && n.Data == word }
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || len(n.Attr) != 1 || n.Attr[0].Key != word {
			continue
		}
		opens := n.PrevSibling == nil && n.Parent.Data == "body" // where no <body> does
		if (isWord(n.PrevSibling) || opens) && isWord(n.NextSibling) && n.Namespace == "" {
			return
		}
		break
	}
	p.fail(p.marks[body].start, "the content cannot stand here: a parser would move it elsewhere, as out of <p> or <table>")
}

// ID names the layout's state: equal IDs, equal drawings of the same content.
func (l *Layout) ID() string { return l.id }

// Charset is the layout's, as a Content-Type names it, such as "euc-kr".
func (l *Layout) Charset() string { return l.charset }

// Selector is where old pages have the content that the body mark stands for, "" where it does not tell.
func (l *Layout) Selector() string { return l.selector }
