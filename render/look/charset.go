// Charsets: how a page's is found, and the way between its bytes and text.

package look

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

const utf8Name = "utf-8"

// bom is the byte order mark in UTF-8. It is no part of a page's text.
const bom = "\uFEFF"

// determine names the charset of a page.
func determine(page []byte, contentType string) string {
	_, name, certain := charset.DetermineEncoding(page, contentType)
	if !certain {
		if meta := metaCharset(page); meta != "" {
			name = meta
		} else if utf8.Valid(page) {
			name = utf8Name
		}
	}
	return name
}

// metaCharset is the charset that a page's <meta> elements declare, "" where they do not.
func metaCharset(page []byte) string {
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tt := z.Next(); tt {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			raw := bytes.Map(toASCII, z.Raw())
			switch name, _ := z.TagName(); string(name) {
			case "body":
				return ""
			case "meta":
				if !bytes.Contains(bytes.ToLower(raw), []byte("charset")) {
					continue
				}
				// Where the tag declares nothing after all, a guess is made by what else
				// is there: it is UTF-8 in one case, and not in the other.
				_, name, _ := charset.DetermineEncoding(raw, "")
				_, beside, _ := charset.DetermineEncoding(append([]byte("\u00e9"), raw...), "")
				if name == beside {
					return name
				}
			}
		}
	}
}

func toASCII(r rune) rune {
	if r >= utf8.RuneSelf {
		return ' '
	}
	return r
}

// lookup returns the encoding of a charset: nil for UTF-8, which needs none.
func lookup(name string) (encoding.Encoding, error) {
	enc, canonical := charset.Lookup(name)
	if enc == nil || canonical == "replacement" {
		return nil, fmt.Errorf("%w: %q is not known", ErrCharset, name)
	}
	if canonical == utf8Name {
		return nil, nil
	}
	return enc, nil
}

// decoded is a page's text and the way back to its bytes.
type decoded struct {
	charset string
	text    string // in UTF-8, perhaps invalid where the page's is
	offsets []int  // of each byte of text and its end: where its character begins in the page; nil: at the same place
	unit    int    // bytes of an ASCII character
}

// decode returns the text of a page in the charset named. Invalid bytes become U+FFFD, but in UTF-8.
func decode(page []byte, name string) (decoded, error) {
	enc, err := lookup(name)
	if err != nil {
		return decoded{}, err
	}
	if enc == nil {
		return decoded{charset: name, text: string(page), unit: 1}, nil
	}
	d := decoded{charset: name, unit: 1}
	wide := strings.HasPrefix(name, "utf-16")
	if wide {
		d.unit = 2
	}
	ascii := !wide && name != "iso-2022-jp" // a byte below 0x80 between characters is ASCII
	var text strings.Builder
	text.Grow(len(page) + len(page)/2)
	d.offsets = make([]int, 0, len(page)+len(page)/2+1)
	decoder := enc.NewDecoder()
	var char [64]byte
	for i := 0; i < len(page); {
		written, read := 1, 1
		if char[0] = page[i]; char[0] >= utf8.RuneSelf || !ascii {
			// One more byte at a time, so that characters come one by one.
			read = 0
			for n := 1; read == 0; n++ {
				end := min(i+n, len(page))
				written, read, err = decoder.Transform(char[:], page[i:end], end == len(page))
				if read == 0 && (!errors.Is(err, transform.ErrShortSrc) || i+n > len(page)) {
					return decoded{}, fmt.Errorf("look: byte %d cannot be read as %s: %w", i, name, err)
				}
			}
		}
		text.Write(char[:written])
		for range written {
			d.offsets = append(d.offsets, i)
		}
		i += read
	}
	d.text, d.offsets = text.String(), append(d.offsets, len(page))
	return d, nil
}

// at is where the character at offset i of the text begins in the page.
func (d *decoded) at(i int) int {
	if d.offsets == nil {
		return i
	}
	return d.offsets[i]
}

// after is where the ASCII character before offset i of the text ends in the page.
func (d *decoded) after(i int) int {
	if i == 0 {
		return 0
	}
	return d.at(i-1) + d.unit
}

// place is the line and the column, in characters, at offset i of the text, both from 1.
func (d *decoded) place(i int) (line, column int) {
	before := d.text[:i]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(strings.TrimPrefix(before[start:], bom)) + 1
}

// encode writes UTF-8 in another charset, nil for UTF-8.
func encode(enc encoding.Encoding, text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	if enc == nil {
		return text, nil
	}
	out, err := enc.NewEncoder().Bytes(text)
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	return out, nil
}
