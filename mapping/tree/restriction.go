// Restriction: names of the tree that an .htaccess keeps from the public.

package tree

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"pagemap/mapping"
)

// Restriction is a set of files that pagemap refuses because of an .htaccess, and
// that must be denied wherever else the tree is served.
type Restriction struct {
	Dir    mapping.Path // the directory, with "/" at the end: the restriction holds in it and below
	Files  string       // the base names: a wildcard pattern or, with Regexp, a regular expression found in the name; "": all
	Regexp bool
	Line   int    // of the .htaccess in Dir
	Text   string // the directive that restricts
}

// Restrictions lists what the .htaccess files of the tree restrict, in the tree's order.
// What lies below a directory that is restricted as a whole or hidden is not looked at.
func (t *Tree) Restrictions(ctx context.Context) ([]Restriction, error) {
	var all []Restriction
	err := t.Walk(ctx, func(it Item) error {
		if it.Kind == Configured {
			all = append(all, it.Htaccess.Restrictions...)
		}
		return nil
	})
	return all, err
}

// Apache is the restriction as configuration of Apache that denies the same files
// below root, the file system's name of the tree. It holds no line break but
// between its lines, and no variable, whatever the names are made of.
func (r Restriction) Apache(root string) string {
	name, _ := r.Dir.FileName()
	dir := strings.TrimSuffix(path.Join(root, name), "/")
	inner := "    Require all denied\n"
	if r.Files != "" {
		kind := "Files"
		if r.Regexp {
			kind = "FilesMatch"
		}
		inner = fmt.Sprintf("    <%s %s>\n        Require all denied\n    </%[1]s>\n", kind, quote(r.Files))
	}
	return fmt.Sprintf("<DirectoryMatch %s>\n%s</DirectoryMatch>\n", quote("^"+literal(dir)+"(?:/|$)"), inner)
}

// literal is a regular expression that matches s alone, in printable characters.
func literal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7F:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		}
	}
	return b.String()
}

// quote is an argument of a directive, in quotes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// rule is a restriction made ready for matching.
type rule struct {
	all     bool // every name
	match   func(base string) bool
	refusal *Refusal
}

// rule compiles r.
func (r Restriction) rule() rule {
	name, _ := r.Dir.FileName()
	made := rule{refusal: &Refusal{
		Reason: Restricted,
		Detail: fmt.Sprintf("%s line %d: %s", path.Join("/", name, ".htaccess"), r.Line, r.Text),
	}}
	if r.Files == "" {
		made.all, made.match = true, func(string) bool { return true }
		return made
	}
	made.match = matcher(r.Files, r.Regexp)
	return made
}

// filePattern is what a Files or FilesMatch section applies to.
type filePattern struct {
	pattern string // "" for all, also where the pattern cannot be judged
	regexp  bool
}

// fileMatch reads the arguments of a section.
func fileMatch(section, args string) *filePattern {
	pattern, rest := word(args)
	f := &filePattern{pattern: pattern, regexp: section == "filesmatch"}
	if pattern == "~" && !f.regexp {
		f.regexp = true
		f.pattern, _ = word(rest)
	}
	if strings.Contains(f.pattern, "${") || matcher(f.pattern, f.regexp) == nil {
		return &filePattern{}
	}
	return f
}

// harmless reports whether the names that f matches are never served anyway.
func (f *filePattern) harmless() bool {
	if f.regexp {
		return strings.HasPrefix(f.pattern, `^\.`) && !strings.Contains(f.pattern, "|") &&
			!strings.ContainsAny(strings.TrimPrefix(f.pattern, `^\.`), "*?{")
	}
	return strings.HasPrefix(f.pattern, ".")
}

// matcher is the function that matches base names as Apache does. It is nil where the pattern is
// one that Go and PCRE may read differently.
func matcher(pattern string, re bool) func(base string) bool {
	for i := range len(pattern) {
		if pattern[i] >= 0x80 {
			return nil
		}
	}
	if re {
		compiled, err := regexp.Compile("(?s)" + pattern)
		if err != nil || strings.Contains(pattern, `\x`) {
			return nil
		}
		return compiled.MatchString
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return func(base string) bool { return base == pattern }
	}
	glob := strings.ReplaceAll(pattern, "[!", "[^")
	if _, err := path.Match(glob, ""); err != nil {
		return nil
	}
	return func(base string) bool {
		ok, err := path.Match(glob, base)
		return ok || err != nil
	}
}
