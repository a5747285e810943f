// Media types by name, as Apache's mod_mime finds them.

package mapping

import (
	_ "embed"
	"fmt"
	"strings"
)

// Types finds media types as Apache's mod_mime does.
type Types struct {
	parts map[string]namePart // by lower-case part of a name
}

// namePart is what one dot-separated part of a name says.
type namePart struct{ mediaType, charset, language string }

// Media is what mod_mime finds out from a name.
type Media struct {
	Type     string // "text/html", or "" when no part of the name tells
	Charset  string // "euc-kr", or ""
	Language string // "ko", or ""; several are joined by ", "
}

// ContentType is the Content-Type header: type and, if any, charset. It is ""
// without a type.
func (m Media) ContentType() string {
	if m.Type == "" || m.Charset == "" {
		return m.Type
	}
	return m.Type + "; charset=" + m.Charset
}

//go:embed types.txt
var commonTypes string

//go:embed parts.txt
var partsTable string

// ParseTypes reads a table in the format of mime.types. Over it come the types,
// languages and charsets that Apache's usual set-up adds for more parts of a name.
func ParseTypes(mimeTypes string) (*Types, error) {
	t := &Types{parts: make(map[string]namePart)}
	number := 0
	for line := range strings.Lines(mimeTypes) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if !strings.Contains(fields[0], "/") {
			return nil, fmt.Errorf("mapping: media types: line %d: %q is no media type", number, clip(fields[0]))
		}
		for _, name := range fields[1:] {
			t.parts[strings.ToLower(name)] = namePart{mediaType: fields[0]}
		}
	}
	for line := range strings.Lines(partsTable) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, name := range fields[2:] {
			part := t.parts[name]
			switch value := fields[1]; fields[0] {
			case "type":
				part.mediaType = strings.TrimPrefix(value, "-")
			case "language":
				part.language = value
			case "charset":
				part.charset = value
			}
			t.parts[name] = part
		}
	}
	return t, nil
}

// DefaultTypes are the built-in types: those common on the web.
func DefaultTypes() *Types {
	t, err := ParseTypes(commonTypes)
	if err != nil {
		panic(err) // the embedded table is at fault
	}
	return t
}

// Media classifies a file's base name. Every part behind the first dot counts:
// the last type and the last charset win, languages add up, an unknown part says
// nothing. Leading dots belong to the first part, which says nothing either.
func (t *Types) Media(name string) Media {
	var m Media
	base := strings.TrimLeft(name, ".")
	_, rest, more := strings.Cut(base, ".")
	for more {
		var name string
		name, rest, more = strings.Cut(rest, ".")
		part := t.parts[strings.ToLower(name)]
		if part.mediaType != "" {
			m.Type = part.mediaType
		}
		if part.charset != "" {
			m.Charset = part.charset
		}
		if part.language != "" && m.Language != "" {
			m.Language += ", "
		}
		m.Language += part.language
	}
	return m
}

// Class classifies a file by its name, which may have directories, and its size
// in bytes. Pages are text, HTML, CSS, JavaScript, JSON, XML with its feeds, and
// images of at most imageLimit bytes; everything else is data, names without a
// known type too.
func (t *Types) Class(name string, size, imageLimit int64) Class {
	if Denied(name) != "" {
		return ClassDenied
	}
	mediaType := strings.ToLower(t.Media(name[strings.LastIndexByte(name, '/')+1:]).Type)
	kind, subtype, _ := strings.Cut(mediaType, "/")
	switch {
	case kind == "image":
		if size <= imageLimit {
			return ClassPage
		}
	case kind == "text", strings.HasSuffix(subtype, "+xml"), strings.HasSuffix(subtype, "+json"):
		return ClassPage
	case kind == "application":
		switch subtype {
		case "javascript", "x-javascript", "ecmascript", "json", "xml":
			return ClassPage
		}
	}
	return ClassData
}
