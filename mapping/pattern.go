// The path of a row: exact, prefix, or with a query.

package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pattern is the parsed path column of a row.
type Pattern struct {
	Path   Path        // for a prefix row "/docs/*" this is "/docs"; for "/*" it is ""
	Prefix bool        // matches Path, Path + "/" and everything below
	Query  []Parameter // of a query row: decoded, sorted by name, then value
}

// Parameter is one decoded query parameter.
type Parameter struct{ Name, Value string }

// MaxParameters is how many parameters of a request's query are read, and the
// most that a pattern may have.
const MaxParameters = 100

// ParsePattern parses and canonicalises a row's path: "/a", "/docs/*", "/a?x=1".
// Its errors are those of ParsePath.
func ParsePattern(s string) (Pattern, error) {
	path, query, hasQuery := strings.Cut(s, "?")
	var p Pattern
	if rest, ok := strings.CutSuffix(path, "/*"); ok {
		if hasQuery {
			return Pattern{}, fmt.Errorf(`%w: %q has a query and ends in "/*"`, ErrBadPath, clip(s))
		}
		p.Prefix = true
		path = rest + "/"
	}
	if i := strings.IndexByte(path, '*'); i >= 0 {
		return Pattern{}, fmt.Errorf(`%w: a "*" at byte %d of %q: only a final "/*" is one, write %%2A`, ErrBadPath, i, clip(s))
	}
	key, _, err := parsePath(path)
	if err != nil {
		return Pattern{}, err
	}
	p.Path = key
	if p.Prefix {
		p.Path = key[:len(key)-1]
	}
	p.Query, err = parsePatternQuery(query)
	return p, err
}

// parsePatternQuery is the strict reading: what could never match is an error.
func parsePatternQuery(query string) ([]Parameter, error) {
	if strings.Contains(query, "#") {
		return nil, fmt.Errorf("%w: a fragment in the query %q", ErrBadPath, clip(query))
	}
	if len(query) > MaxPathLen {
		return nil, fmt.Errorf("%w: a query of %d bytes, at most %d", ErrPathTooLong, len(query), MaxPathLen)
	}
	for i := range len(query) {
		if control(query[i]) {
			return nil, fmt.Errorf("%w: a control byte in the query %q", ErrBadPath, clip(query))
		}
		if _, ok := unhex(query, i); query[i] == '%' && !ok {
			return nil, fmt.Errorf("%w: a bad escape in the query %q", ErrBadPath, clip(query))
		}
	}
	params := parseQuery(query, MaxParameters+1)
	if len(params) > MaxParameters {
		return nil, fmt.Errorf("%w: more than %d query parameters", ErrBadPath, MaxParameters)
	}
	slices.SortFunc(params, func(a, b Parameter) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return params, nil
}

// String is the canonical text, which is what the table stores.
func (p Pattern) String() string {
	if p.Prefix {
		return string(p.Path) + "/*"
	}
	if len(p.Query) == 0 {
		return string(p.Path)
	}
	text := []byte(p.Path)
	separator := byte('?')
	for _, param := range p.Query {
		text = append(text, separator)
		separator = '&'
		text = param.appendText(text)
	}
	return string(text)
}

// appendText appends the canonical text of p.
func (p Parameter) appendText(out []byte) []byte {
	out = append(appendParameterText(out, p.Name), '=')
	return appendParameterText(out, p.Value)
}

// parameterByte holds the bytes that a pattern's query shows as they are.
var parameterByte = byteSet("!$'(),;:@/")

func appendParameterText(out []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case parameterByte[c]:
			out = append(out, c)
		case c == ' ':
			out = append(out, '+')
		default:
			out = appendEscaped(out, c)
		}
	}
	return out
}

// parseQuery decodes the first limit parameters of a raw query; empty ones
// ("a&&b") are none.
func parseQuery(query string, limit int) []Parameter {
	var params []Parameter
	for piece := range strings.SplitSeq(query, "&") {
		if piece == "" {
			continue
		}
		if len(params) == limit {
			break
		}
		params = append(params, parseParameter(piece))
	}
	return params
}

func parseParameter(piece string) Parameter {
	name, value, _ := strings.Cut(piece, "=")
	return Parameter{unescape(name, true), unescape(value, true)}
}

// parameterTexts are the canonical texts of the parameters that are read of a
// request's query.
func parameterTexts(query string) []string {
	params := parseQuery(query, MaxParameters)
	texts := make([]string, len(params))
	for i, p := range params {
		texts[i] = string(p.appendText(nil))
	}
	return texts
}

// contains reports whether every parameter of want, the text of a pattern's
// query, is in have, each duplicate anew, and how many there are. A path may have
// thousands of query rows, so nothing is decoded for each.
func contains(have []string, want string) (parameters int, ok bool) {
	var taken [MaxParameters]bool
next:
	for more := true; more; parameters++ {
		var w string
		w, want, more = strings.Cut(want, "&")
		for i, h := range have {
			if !taken[i] && h == w {
				taken[i] = true
				continue next
			}
		}
		return 0, false
	}
	return parameters, true
}

// splitPattern is what the canonical text of a pattern says without parsing it:
// its path (of "/docs/*": "/docs"), whether it is a prefix, and its query's text.
func splitPattern(text string) (path Path, prefix bool, query string) {
	if i := strings.IndexByte(text, '?'); i >= 0 {
		return Path(text[:i]), false, text[i+1:]
	}
	if rest, ok := strings.CutSuffix(text, "/*"); ok {
		return Path(rest), true, ""
	}
	return Path(text), false, ""
}
