package mapping

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Pattern
		canonical  string
		err        error
	}{
		{name: "exact", text: "/a%41", want: Pattern{Path: "/aA"}, canonical: "/aA"},
		{name: "directory", text: "/a//b/", want: Pattern{Path: "/a/b/"}, canonical: "/a/b/"},
		{name: "prefix", text: "/docs/*", want: Pattern{Path: "/docs", Prefix: true}, canonical: "/docs/*"},
		{name: "prefix of all", text: "/*", want: Pattern{Prefix: true}, canonical: "/*"},
		{name: "prefix with dots", text: "/a/../b//*", want: Pattern{Path: "/b", Prefix: true}, canonical: "/b/*"},
		{name: "a star of a name", text: "/a/%2A", want: Pattern{Path: "/a/%2A"}, canonical: "/a/%2A"},
		{name: "sorted", text: "/a?b=2&a=1&b=1", want: Pattern{Path: "/a", Query: []Parameter{{"a", "1"}, {"b", "1"}, {"b", "2"}}}, canonical: "/a?a=1&b=1&b=2"},
		{name: "decoded", text: "/a?%61=+%20%2b&b", want: Pattern{Path: "/a", Query: []Parameter{{"a", "  +"}, {"b", ""}}}, canonical: "/a?a=++%2B&b="},
		{name: "odd bytes", text: "/a?x=%26%3D%25%2A%23%C3%A9", want: Pattern{Path: "/a", Query: []Parameter{{"x", "&=%*#é"}}}, canonical: "/a?x=%26%3D%25%2A%23%C3%A9"},
		{name: "no parameter", text: "/a?&", want: Pattern{Path: "/a"}, canonical: "/a"},
		{name: "no name", text: "/a?=", want: Pattern{Path: "/a", Query: []Parameter{{"", ""}}}, canonical: "/a?="},
		{name: "most parameters", text: "/a?" + strings.Repeat("b&", 99) + "b", want: Pattern{Path: "/a", Query: make100("b")}, canonical: "/a?" + strings.Repeat("b=&", 99) + "b="},
		{name: "too many parameters", text: "/a?" + strings.Repeat("b&", 101), err: ErrBadPath},
		{name: "star inside", text: "/a*b", err: ErrBadPath},
		{name: "star at the end of a name", text: "/a*", err: ErrBadPath},
		{name: "two stars", text: "/*/*", err: ErrBadPath},
		{name: "prefix with query", text: "/a/*?b", err: ErrBadPath},
		{name: "bad escape in the query", text: "/a?b=%z", err: ErrBadPath},
		{name: "fragment", text: "/a?b#c", err: ErrBadPath},
		{name: "relative", text: "a", err: ErrBadPath},
		{name: "too long", text: "/" + strings.Repeat("a", MaxPathLen), err: ErrPathTooLong},
		{name: "query too long", text: "/?" + strings.Repeat("a", MaxPathLen+1), err: ErrPathTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := ParsePattern(test.text)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && (!reflect.DeepEqual(p, test.want) || p.String() != test.canonical) {
				t.Errorf("%+v %s, want %+v %s", p, p, test.want, test.canonical)
			}
		})
	}
}

func make100(name string) []Parameter {
	query := make([]Parameter, 100)
	for i := range query {
		query[i].Name = name
	}
	return query
}
