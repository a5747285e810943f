// Tags: elements by kind, and the attributes of a start tag with their places.

package look

import "strings"

// rawText are the elements whose content the tokenizer takes as text.
var rawText = set("iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp")

// void are the elements that have no content.
var void = set("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input",
	"keygen", "link", "meta", "param", "source", "track", "wbr")

// urls are the attributes that hold one URL.
var urls = set("action", "background", "cite", "data", "formaction", "href", "longdesc", "poster", "src", "xlink:href")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// tagName is the name of a tag in lower case, with "/" before that of an end tag; "" for what is no tag.
func tagName(tag string) string {
	if len(tag) < 3 || tag[0] != '<' {
		return ""
	}
	from := 1
	if tag[1] == '/' {
		from = 2
	}
	if c := tag[from] | 0x20; c < 'a' || c > 'z' {
		return ""
	}
	return strings.ToLower(tag[1:nameEnd(tag, from)])
}

// nameEnd is where the name of a tag ends that begins at an offset.
func nameEnd(tag string, from int) int {
	for from < len(tag) && strings.IndexByte(blanks+"/>", tag[from]) < 0 {
		from++
	}
	return from
}

// attribute is one of a start tag, at the given places in the tag's text.
type attribute struct {
	name       string // lower case
	start, end int    // of the value, without quotes; both 0 where there is none
	quote      byte   // 0: unquoted
}

const blanks = " \t\n\f\r"

// attributes reads those of a start tag as the HTML standard does (13.2.5.32 to 13.2.5.40).
func attributes(tag string) []attribute {
	var all []attribute
	i := nameEnd(tag, 1)
	skip := func(chars string) {
		for i < len(tag) && strings.IndexByte(chars, tag[i]) >= 0 {
			i++
		}
	}
	for {
		skip(blanks + "/")
		if i >= len(tag) || tag[i] == '>' {
			return all
		}
		from := i
		i++ // even if it is "="
		for i < len(tag) && strings.IndexByte(blanks+"/>=", tag[i]) < 0 {
			i++
		}
		a := attribute{name: strings.ToLower(tag[from:i])}
		skip(blanks)
		if i < len(tag) && tag[i] == '=' {
			i++
			skip(blanks)
			if i < len(tag) && (tag[i] == '"' || tag[i] == '\'') {
				a.quote = tag[i]
				i++
				a.start = i
				for i < len(tag) && tag[i] != a.quote {
					i++
				}
				a.end = i
				i++
			} else {
				a.start = i
				for i < len(tag) && strings.IndexByte(blanks+">", tag[i]) < 0 {
					i++
				}
				a.end = i
			}
		}
		all = append(all, a)
	}
}
