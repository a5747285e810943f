// Names of pages.

package mediawiki

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"pagemap/render"
)

// maxTitle is how many bytes a title has at most, without its namespace.
const maxTitle = 255

var (
	// spaces are those that MediaWiki writes as one.
	spaces = regexp.MustCompile(`[ _\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+`)
	// impossible is what no title has: what the API cuts off or splits at, what would be decoded, signatures,
	// and segments that mean a directory.
	impossible = regexp.MustCompile(`[\x00-\x1f\x7f#<>\[\]{}|\x{FFFD}]|%[0-9A-Fa-f]{2}|&[0-9A-Za-z\x{80}-\x{10FFFF}]+;|~~~|(^|/)\.\.?(/|$)`)
)

// Title writes a name as a title, apart from its first letter; it is render.ErrNotFound where no title is like that.
func Title(name string) (string, error) {
	t := strings.Trim(spaces.ReplaceAllLiteralString(name, " "), " ")
	_, rest, ok := strings.Cut(t, ":")
	if !ok {
		rest = t
	}
	if t == "" || !utf8.ValidString(t) || impossible.MatchString(t) || len(rest) > maxTitle {
		return "", fmt.Errorf("%.300q can be no title: %w", name, render.ErrNotFound)
	}
	return t, nil
}

// Spell implements wiki.Speller.
func (w *Wiki) Spell(name string) string { return w.known().spell(name) }

// spell writes a name as the wiki does.
func (s *site) spell(name string) string {
	t := strings.Trim(spaces.ReplaceAllLiteralString(name, " "), " ")
	if prefix, rest, ok := strings.Cut(t, ":"); ok {
		if ns, ok := s.namespaces[strings.ToLower(strings.Trim(prefix, " "))]; ok && ns.ID != 0 {
			return ns.Name + ":" + ns.letter(strings.Trim(rest, " "))
		}
	}
	return s.namespaces[""].letter(t)
}

// letter makes the first letter of a title in a namespace large, where it is always so.
func (n namespace) letter(t string) string {
	if n.Case == "case-sensitive" {
		return t
	}
	r, size := utf8.DecodeRuneInString(t)
	if r == utf8.RuneError {
		return t
	}
	return string(unicode.ToUpper(r)) + t[size:]
}
