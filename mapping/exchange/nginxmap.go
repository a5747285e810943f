// nginx's map block, which holds 301s alone.

package exchange

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// statement is a directive of nginx: words up to ";", "{" or "}".
type statement struct {
	line  int
	words []string
	end   byte // ';', '{' or '}'
}

// readNginxMap reads the inside of a map block, or files with such blocks.
func (a *account) readNginxMap() error {
	var patterns []entry
	c := a.compiler()
	t := tokens{}
	take := func(s statement) {
		if e, ok := a.mapped(s); ok {
			patterns = append(patterns, e)
		}
	}
	if err := a.each(func(line int, text string) { t.scan(line, text, take) }); err != nil {
		return err
	}
	t.flush()
	if len(t.words) > 0 {
		a.say(t.line, Refused, strings.Join(t.words, " "), `does not end in ";", or has a quote that is not closed`)
	}
	// nginx looks for texts first, then for expressions in their order.
	for i := range a.rows {
		c.keepRule(taken{rule: rule{path: mapping.Path(a.rows[i].Page.Pattern)}, line: a.rows[i].Line})
	}
	slices.SortStableFunc(patterns, func(x, y entry) int { return x.line - y.line })
	for _, e := range patterns {
		c.take(e)
	}
	return nil
}

// tokens splits lines into statements.
type tokens struct {
	line    int // where the statement began, 0 for not yet
	words   []string
	word    []byte
	open    bool // a word is being read
	quote   byte // it is in these
	escaped bool // its last byte was a backslash
}

func (t *tokens) scan(line int, text string, take func(statement)) {
	for i := range len(text) {
		c := text[i]
		if t.line == 0 {
			t.line = line
		}
		switch {
		case t.escaped:
			// Before anything else the backslash stays.
			if strings.IndexByte(`\"'`, c) < 0 {
				t.word = append(t.word, '\\')
			}
			t.word, t.escaped = append(t.word, c), false
		case c == '\\':
			t.escaped, t.open = true, true
		case t.quote != 0 && c == t.quote:
			t.quote = 0
			t.flush()
		case t.quote != 0:
			t.word = append(t.word, c)
		case (c == '"' || c == '\'') && !t.open:
			t.quote, t.open = c, true
		case c == ' ' || c == '\t':
			t.flush()
		case c == '#' && !t.open:
			t.idle()
			return
		case c == ';' || c == '{' || c == '}':
			t.flush()
			take(statement{t.line, t.words, c})
			t.words, t.line = nil, 0
		default:
			t.word, t.open = append(t.word, c), true
		}
	}
	if t.quote != 0 {
		t.word = append(t.word, '\n')
	} else {
		t.flush()
	}
	t.idle()
}

// idle forgets where a statement began that has not begun.
func (t *tokens) idle() {
	if len(t.words) == 0 && !t.open {
		t.line = 0
	}
}

func (t *tokens) flush() {
	if t.open {
		if t.escaped {
			t.word = append(t.word, '\\')
		}
		t.words = append(t.words, string(t.word))
	}
	t.word, t.open, t.escaped = nil, false, false
}

// mapped takes a statement: a text at once, an expression as an entry.
func (a *account) mapped(s statement) (entry, bool) {
	text := strings.Join(s.words, " ")
	fail := func(v Verdict, format string, args ...any) (entry, bool) {
		a.say(s.line, v, text, fmt.Sprintf(format, args...))
		return entry{}, false
	}
	switch {
	case s.end == '{':
		if first(s.words) != "map" {
			return fail(Unexpressed, "is no map")
		}
		return entry{}, false
	case s.end == '}' && len(s.words) == 0, len(s.words) == 0:
		return entry{}, false
	case s.end == '}':
		return fail(Refused, `does not end in ";"`)
	}
	key, escaped := strings.CutPrefix(s.words[0], `\`)
	switch {
	case escaped:
	case key == "default" && len(s.words) == 2 && s.words[1] == "":
		return entry{}, false
	case key == "default":
		return fail(Unexpressed, "is for all other paths, which no row is: write /* if it may hide the site")
	case key == "hostnames", key == "volatile":
		return entry{}, false
	case key == "include":
		return fail(Unexpressed, "names another file: import that too")
	}
	if len(s.words) != 2 {
		return fail(Refused, "has %d words where a key and a value are expected", len(s.words))
	}
	value := s.words[1]
	switch {
	case value == "":
		return fail(Unexpressed, "has no target, so nothing is redirected")
	case strings.HasPrefix(key, "~") && !escaped:
		return a.mappedExpression(s, text, key[1:], value)
	case strings.Contains(value, "$"):
		return fail(Unexpressed, "has a variable in its value, which no row has")
	}
	a.addMapped(s.line, text, key, value)
	return entry{}, false
}

// mappedExpression is the entry of an expression.
func (a *account) mappedExpression(s statement, text, expression, value string) (entry, bool) {
	fail := func(v Verdict, problem string) (entry, bool) {
		a.say(s.line, v, text, problem)
		return entry{}, false
	}
	expression, fold := strings.CutPrefix(expression, "*")
	x, err := parseExpression(expression)
	if err != nil {
		return fail(Unexpressed, err.Error())
	}
	x.fold = x.fold || fold
	for i := 0; i < len(value); i++ {
		if value[i] == '$' && (i+1 == len(value) || value[i+1] < '0' || value[i+1] > '9') {
			return fail(Unexpressed, "has a variable in its value, which no row has")
		}
	}
	e := entry{line: s.line, text: text}
	shapes, partly := x.split("/")
	for _, sh := range shapes {
		r := rule{status: 301, fold: x.fold}
		var problem string
		if r.target, r.keep, problem = splitTail(sh.expand(strings.ReplaceAll(value, `\`, `\\`))); problem == "" {
			problem = r.shaped(sh, "/")
		}
		if problem != "" {
			return fail(Unexpressed, problem)
		}
		e.rules = append(e.rules, r)
	}
	if len(e.rules) == 0 {
		return fail(Unexpressed, "never answers: paths begin with a slash")
	}
	e.rules = joined(e.rules)
	e.notes = x.said(partly, e.rules)
	return e, true
}

// nginxMapWriter writes texts, then expressions for prefixes, the longest first.
type nginxMapWriter struct {
	out      *bufio.Writer
	prefixes []mapping.Page
}

func (w *nginxMapWriter) write(p mapping.Page) (Left, error) {
	if strings.Contains(p.Source, "$") {
		return Left{Reason: `has a "$" in its target, which is a variable there`}, nil
	}
	stem, isPrefix := strings.CutSuffix(p.Pattern, "/*")
	single := p
	if isPrefix {
		if single.Pattern = stem; stem == "" {
			single.Pattern = "/"
		}
	}
	key, reason := mapKey(single)
	if reason != "" {
		return Left{Reason: reason}, nil
	}
	if isPrefix {
		w.prefixes = append(w.prefixes, p)
		return bare(p), nil
	}
	_, err := fmt.Fprintf(w.out, "%s %s;\n", nginxWord(key), nginxWord(p.Source))
	return bare(p), err
}

// nginxWord is a word in quotes.
func nginxWord(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (w *nginxMapWriter) finish() []Left {
	slices.SortStableFunc(w.prefixes, func(a, b mapping.Page) int { return len(b.Pattern) - len(a.Pattern) })
	for _, p := range w.prefixes {
		key, _ := mapKey(mapping.Page{Row: mapping.Row{Pattern: strings.TrimSuffix(p.Pattern, "*"), Status: 301}})
		expression := "^" + quoteExpression(strings.TrimSuffix(key, "/")) + "(/.*)?$"
		if p.Pattern == "/*" {
			expression = "^(/.*)$"
		}
		target := p.Source
		if base, ok := strings.CutSuffix(target, "/*"); ok {
			target = base + "$1"
			if base == "" {
				expression, target = strings.Replace(expression, "(/.*)?", "(?:/(.*))?", 1), "/$1"
			}
		}
		fmt.Fprintf(w.out, "%s %s;\n", nginxWord("~"+expression), nginxWord(target))
	}
	return nil
}

// quoteExpression is an expression that matches a text of bytes.
func quoteExpression(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\.+*?()|[]{}^$`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
