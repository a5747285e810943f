// nginx's map block, which holds 301s alone.

package exchange

import (
	"bufio"
	"cmp"
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
	c.indexNames = a.o.IndexNames
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
		path := mapping.Path(a.rows[i].Page.Pattern)
		c.keepRule(taken{rule: rule{path: path, fold: true}, line: a.rows[i].Line})
		c.governors = append(c.governors, governor{path: path})
	}
	slices.SortStableFunc(patterns, func(x, y entry) int { return x.line - y.line })
	for _, e := range patterns {
		c.take(e)
	}
	c.finish()
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

// nginxMapWriter writes texts, then expressions: of rows that a text would answer
// for too much, and of prefixes, the longest first.
type nginxMapWriter struct {
	out              *bufio.Writer
	indexNames       []string
	exacts, prefixes []mapping.Page
}

// nginxUse says how nginx is told of a map. Where a target has a query of its own,
// the request's goes behind it.
const nginxUse = `# nginx, in http { }, where FILE is this file:
#   map_hash_bucket_size 4096;
#   map $uri $moved { default ""; include FILE; }
#   map $is_args$moved $moved_args { default ""; "~^\?.*\?" "&$args"; "~^\?" "?$args"; }
# and in server { }:
#   if ($moved) { return 301 $moved$moved_args; }
`

func (w *nginxMapWriter) write(p mapping.Page) (Left, error) {
	if strings.Contains(p.Source, "$") {
		return Left{Reason: `has a "$" in its target, which is a variable there`}, nil
	}
	if _, reason := mapKey(stemmed(p)); reason != "" {
		return Left{Reason: reason}, nil
	}
	left := bare(p)
	if !strings.HasSuffix(p.Pattern, "/*") {
		w.exacts = append(w.exacts, p)
		return left, nil
	}
	w.prefixes = append(w.prefixes, p)
	if strings.HasSuffix(p.Source, "/*") {
		left.Written = true
		left.Reason = strings.TrimPrefix(left.Reason+`; below it nginx leaves out paths with an escaped "?", "#" or "%"`, "; ")
	}
	return left, nil
}

// stemmed is a page, or in place of a prefix's one of the path that it is below.
func stemmed(p mapping.Page) mapping.Page {
	if stem, ok := strings.CutSuffix(p.Pattern, "/*"); ok {
		p.Pattern = cmp.Or(stem, "/")
	}
	return p
}

func (w *nginxMapWriter) finish() []Left {
	fmt.Fprint(w.out, nginxUse)
	// nginx ignores the case of texts: so the one spelling of what differs in nothing
	// else, twins taken together, and the paths below prefixes.
	spelling := map[string]string{}
	for _, p := range w.exacts {
		stem := w.stem(p.Pattern)
		folded := strings.ToLower(stem)
		if first, ok := spelling[folded]; ok && first != stem {
			stem = "several"
		}
		spelling[folded] = stem
	}
	var prefixes []mapping.Page
	for _, p := range w.prefixes {
		prefixes = append(prefixes, lower(p))
	}
	answersFolded := answering(nil, prefixes, nil)
	answers := answering(w.exacts, w.prefixes, w.indexNames)
	var expressions []string
	for _, p := range w.exacts {
		key, _ := mapKey(p)
		paths, _ := answers(p)
		if _, covered := answersFolded(lower(p)); len(paths) == 1 && !covered && spelling[strings.ToLower(w.stem(p.Pattern))] == w.stem(p.Pattern) {
			fmt.Fprintf(w.out, "%s %s;\n", nginxWord(key), nginxWord(p.Source))
			continue
		}
		texts := make([]string, len(paths))
		for i, path := range paths {
			texts[i] = quoteExpression(decoded(path))
		}
		expressions = append(expressions, fmt.Sprintf("%s %s;\n", nginxWord("~^(?:"+strings.Join(texts, "|")+")$"), nginxWord(p.Source)))
	}
	for _, e := range expressions {
		fmt.Fprint(w.out, e)
	}
	slices.SortStableFunc(w.prefixes, func(a, b mapping.Page) int { return len(b.Pattern) - len(a.Pattern) })
	for _, p := range w.prefixes {
		key, _ := mapKey(stemmed(p))
		key = quoteExpression(strings.TrimSuffix(key, "/"))
		expression, target := "^"+key+"(?:/.*)?$", p.Source
		if base, keep := strings.CutSuffix(target, "/*"); keep {
			expression, target = "^"+key+"(/"+nginxRest+")?$", base+"$1"
			if base == "" {
				expression, target = "^"+key+"(?:/("+nginxRest+"))?$", "/$1"
			}
		}
		fmt.Fprintf(w.out, "%s %s;\n", nginxWord("~"+expression), nginxWord(target))
	}
	return nil
}

// stem is what a path's twins have in common.
func (w *nginxMapWriter) stem(path string) string {
	dir, name := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
	if slices.Contains(w.indexNames, name) {
		path = dir
	}
	return strings.TrimSuffix(path, "/")
}

// nginxRest is what nginx may put behind a target: it does so decoded, and these
// characters would end the path there, or the Location.
const nginxRest = `[^\r\n` + special + `]*`

// lower is a page with its pattern, which is ASCII, in lower-case letters.
func lower(p mapping.Page) mapping.Page {
	p.Pattern = strings.ToLower(p.Pattern)
	return p
}

// nginxWord is a word in quotes.
func nginxWord(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
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
