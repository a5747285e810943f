// Htaccess: Apache's syntax of an .htaccess, and the walk through its sections.

package tree

import (
	"bytes"
	"slices"
	"strings"

	"pagemap/mapping"
)

// Htaccess is what an .htaccess says that matters once Apache no longer reads it.
type Htaccess struct {
	Dir          mapping.Path  // its directory, with "/" at the end
	Restrictions []Restriction // what pagemap refuses because of it
	Directives   []Directive   // what has no effect any more
}

// Directive is one directive of an .htaccess.
type Directive struct {
	Line int    // where it begins, from 1
	Name string // as it is written there
	Text string // the whole directive, continued lines joined
}

// ParseHtaccess reads the .htaccess of a directory, whose key ends in "/". It always
// succeeds: what Apache would answer with an error restricts the whole directory.
func ParseHtaccess(dir mapping.Path, text []byte) Htaccess {
	p := parser{result: Htaccess{Dir: dir}, scopes: []scope{{}}}
	p.parse(text)
	slices.SortStableFunc(p.result.Directives, func(a, b Directive) int { return a.Line - b.Line })
	return p.result
}

// logicalLines yields the lines that hold directives and their numbers: continued
// lines joined, blanks around them removed, comments and empty lines left out.
func logicalLines(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
		var joined []byte
		start, line := 0, 0
		for raw := range bytes.Lines(text) {
			line++
			if start == 0 {
				start, joined = line, nil
			}
			raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
			if part, continued := bytes.CutSuffix(raw, []byte(`\`)); continued {
				joined = append(joined, part...)
				continue
			}
			if !emit(append(joined, raw...), start, yield) {
				return
			}
			start = 0
		}
		if start != 0 {
			emit(joined, start, yield)
		}
	}
}

// emit yields a joined line that holds a directive.
func emit(joined []byte, line int, yield func(int, string) bool) bool {
	joined = bytes.TrimFunc(joined, isSpace)
	return len(joined) == 0 || joined[0] == '#' || yield(line, string(joined))
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f", r) }

// word cuts the first word off an argument list: bare, or in quotes of either kind,
// inside which a backslash escapes a quote or itself.
func word(args string) (first, rest string) {
	args = strings.TrimLeftFunc(args, isSpace)
	if args == "" {
		return "", ""
	}
	quote := args[0]
	if quote != '"' && quote != '\'' {
		end := strings.IndexFunc(args, isSpace)
		if end < 0 {
			return args, ""
		}
		return args[:end], strings.TrimLeftFunc(args[end:], isSpace)
	}
	var b strings.Builder
	i := 1
	for ; i < len(args) && args[i] != quote; i++ {
		if args[i] == '\\' && i+1 < len(args) && (args[i+1] == '\\' || args[i+1] == quote) {
			i++
		}
		b.WriteByte(args[i])
	}
	return b.String(), strings.TrimLeftFunc(args[min(i+1, len(args)):], isSpace)
}

// words are all the words of an argument list.
func words(args string) []string {
	var all []string
	for args != "" {
		var w string
		w, args = word(args)
		all = append(all, w)
	}
	return all
}

// section is an open container.
type section struct {
	opened  Directive
	name    string // lower case, without "<"
	scoped  bool   // it opened a scope
	skipped bool   // nothing in it concerns GET
	nested  bool   // it opened a group of requirements
}

// parser walks through the directives of one .htaccess.
type parser struct {
	result   Htaccess
	sections []section
	scopes   []scope // the innermost last
	failed   bool
}

// parse walks through the text until its end or a mistake.
func (p *parser) parse(text []byte) {
	for line, text := range logicalLines(text) {
		p.line(Directive{Line: line, Text: text})
		if p.failed {
			return
		}
	}
	if n := len(p.sections); n > 0 {
		p.fail(p.sections[n-1].opened, "the section is never closed")
		return
	}
	p.closeScope()
}

// fail restricts the whole directory because of a mistake at d.
func (p *parser) fail(d Directive, why string) {
	p.failed = true
	p.result.Restrictions = []Restriction{{
		Dir: p.result.Dir, Line: d.Line, Text: d.Text + ": " + why,
	}}
}

// line handles a directive or the bounds of a section.
func (p *parser) line(d Directive) {
	var args string
	d.Name, args = word(d.Text)
	switch {
	case strings.HasPrefix(d.Name, "</"):
		p.close(d)
	case strings.HasPrefix(d.Name, "<"):
		end := strings.LastIndexByte(d.Text, '>')
		if end < 0 {
			p.fail(d, `the ">" is missing`)
			return
		}
		d.Name, args = word(d.Text[:end])
		p.open(d, strings.ToLower(d.Name[1:]), args)
	case len(p.sections) > 0 && p.sections[len(p.sections)-1].skipped:
	default:
		if !p.scopes[len(p.scopes)-1].directive(d, strings.ToLower(d.Name), args) {
			p.result.Directives = append(p.result.Directives, d)
		}
	}
}

// open begins a section.
func (p *parser) open(d Directive, name, args string) {
	s := section{opened: d, name: name}
	if n := len(p.sections); n > 0 && p.sections[n-1].skipped {
		s.skipped = true
		p.sections = append(p.sections, s)
		return
	}
	inner := &p.scopes[len(p.scopes)-1]
	switch name {
	case "files", "filesmatch":
		s.scoped = true
		next := scope{files: inner.files}
		if next.files == nil {
			next.files = fileMatch(name, args)
		}
		p.scopes = append(p.scopes, next)
	case "limit", "limitexcept":
		covers := slices.ContainsFunc(words(args), func(m string) bool { return strings.EqualFold(m, "GET") })
		s.skipped = covers != (name == "limit")
	case "requireall", "requireany", "requirenone":
		s.nested = true
		inner.openGroup(name, d)
	default:
		// If, IfModule, IfDefine and their like; and what Apache would refuse here.
		s.scoped = true
		p.scopes = append(p.scopes, scope{files: inner.files})
	}
	p.sections = append(p.sections, s)
}

// close ends a section.
func (p *parser) close(d Directive) {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(d.Name, "</"), ">"))
	n := len(p.sections)
	if n == 0 || p.sections[n-1].name != name {
		p.fail(d, "it closes nothing")
		return
	}
	s := p.sections[n-1]
	p.sections = p.sections[:n-1]
	switch {
	case s.scoped:
		p.closeScope()
	case s.nested:
		p.scopes[len(p.scopes)-1].closeGroup()
	}
}

// closeScope judges the innermost scope.
func (p *parser) closeScope() {
	n := len(p.scopes) - 1
	s := p.scopes[n]
	p.scopes = p.scopes[:n]
	p.result.Directives = append(p.result.Directives, s.lost()...)
	by, restricted := s.restricts()
	if !restricted {
		return
	}
	r := Restriction{Dir: p.result.Dir, Line: by.Line, Text: by.Text}
	if s.files != nil {
		if s.files.harmless() {
			return
		}
		r.Files, r.Regexp = s.files.pattern, s.files.regexp
	}
	p.result.Restrictions = append(p.result.Restrictions, r)
}
