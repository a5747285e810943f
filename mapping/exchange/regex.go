// Regular expressions that are a few literal paths, or the beginnings of paths.

package exchange

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// shape is one text that an expression matches, or with tail everything that
// begins with it.
type shape struct {
	text   string // decoded bytes
	tail   bool
	groups [10]string // what $0 to $9 are; tailMark in them stands for the tail
}

// tailMark cannot occur in a path.
const tailMark = "\x00"

// maxShapes is how many texts an expression may stand for.
const maxShapes = 64

// expression is what is known of a regular expression.
type expression struct {
	shapes []shape // in the order in which the expression tries them
	fold   bool    // letters of any case match
	notes  []string
}

// parseExpression takes a Perl-compatible regular expression apart. It fails for
// all that is not a bounded choice of texts from the path's beginning, perhaps
// with anything behind them.
func parseExpression(text string) (expression, error) {
	var x expression
	text, x.fold = strings.CutPrefix(text, "(?i)")
	// Bytes, not characters, are matched: each becomes a character of its own.
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	tree, err := syntax.Parse(string(runes), syntax.Perl&^syntax.UnicodeGroups)
	if err != nil {
		return x, fmt.Errorf("the expression is beyond texts and prefixes: %w", err)
	}
	states, err := x.walk(tree, []state{{}})
	if err != nil {
		return x, err
	}
	for _, s := range states {
		if s.dead {
			continue
		}
		if !s.begun && s.text != "" {
			return x, errAnywhere
		}
		x.add(s)
	}
	if len(x.shapes) == 0 {
		return x, errors.New("the expression matches nothing")
	}
	return x, nil
}

var errAnywhere = errors.New(`the expression may match anywhere in a path: begin it with "^"`)

// state is a text being put together.
type state struct {
	text  string
	begun bool // "^" was there
	tail  bool // "(.*)" was there: nothing but the end may follow
	ended bool // "$" was there
	dead  bool // something followed "$": it never matches
	from  [10]int
	to    [10]int
	whole [10]bool // the group ends with the tail
}

// walk puts what n matches behind all states.
func (x *expression) walk(n *syntax.Regexp, in []state) ([]state, error) {
	if len(in) > maxShapes {
		return nil, fmt.Errorf("the expression stands for more than %d paths: write a line for each", maxShapes)
	}
	switch n.Op {
	case syntax.OpEmptyMatch:
		return in, nil
	case syntax.OpLiteral:
		if n.Flags&syntax.FoldCase != 0 && strings.ToLower(string(n.Rune)) != strings.ToUpper(string(n.Rune)) {
			return nil, errors.New(`a part of the expression ignores case: write "(?i)" at its beginning`)
		}
		text := make([]byte, len(n.Rune))
		for i, r := range n.Rune {
			text[i] = byte(r)
		}
		return literal(in, string(text))
	case syntax.OpCharClass:
		return x.class(n, in)
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		x.say(`"." matches any character there: read as a dot`)
		return literal(in, ".")
	case syntax.OpBeginText:
		return each(in, func(s *state) { s.dead = s.dead || s.text != "" || s.tail; s.begun = true }), nil
	case syntax.OpEndText:
		return each(in, func(s *state) { s.ended = true }), nil
	case syntax.OpCapture:
		return x.capture(n, in)
	case syntax.OpStar, syntax.OpPlus:
		return x.repeat(n, in)
	case syntax.OpQuest:
		with, err := x.walk(n.Sub[0], slices.Clone(in))
		if err != nil {
			return nil, err
		}
		if n.Flags&syntax.NonGreedy != 0 {
			return append(slices.Clone(in), with...), nil
		}
		return append(with, in...), nil
	case syntax.OpAlternate:
		var out []state
		for _, sub := range n.Sub {
			states, err := x.walk(sub, slices.Clone(in))
			if err != nil {
				return nil, err
			}
			out = append(out, states...)
		}
		return out, nil
	case syntax.OpConcat:
		var err error
		for _, sub := range n.Sub {
			if in, err = x.walk(sub, in); err != nil {
				return nil, err
			}
		}
		return in, nil
	}
	return nil, fmt.Errorf("the expression is beyond texts and prefixes: %q", n)
}

func (x *expression) say(note string) {
	if !slices.Contains(x.notes, note) {
		x.notes = append(x.notes, note)
	}
}

// each changes all states.
func each(in []state, do func(s *state)) []state {
	out := slices.Clone(in)
	for i := range out {
		do(&out[i])
	}
	return out
}

// literal puts a text behind all states.
func literal(in []state, text string) ([]state, error) {
	for _, s := range in {
		switch {
		case s.dead || s.ended:
		case s.tail:
			return nil, errors.New("the expression has a text behind what varies, which no row can")
		case !s.begun:
			return nil, errAnywhere
		}
	}
	return each(in, func(s *state) {
		s.dead = s.dead || s.ended
		s.text += text
	}), nil
}

// class chooses among few characters.
func (x *expression) class(n *syntax.Regexp, in []state) ([]state, error) {
	var out []state
	for i := 0; i < len(n.Rune); i += 2 {
		if n.Rune[i+1]-n.Rune[i] > 15 {
			return nil, fmt.Errorf("the expression stands for too many paths: %q", n)
		}
		for r := n.Rune[i]; r <= n.Rune[i+1]; r++ {
			if r > 0xFF {
				return nil, fmt.Errorf("the expression stands for too many paths: %q", n)
			}
			states, err := literal(in, string([]byte{byte(r)}))
			if err != nil {
				return nil, err
			}
			if out = append(out, states...); len(out) > maxShapes {
				return nil, fmt.Errorf("the expression stands for more than %d paths: write a line for each", maxShapes)
			}
		}
	}
	return out, nil
}

// capture notes what a group matches.
func (x *expression) capture(n *syntax.Regexp, in []state) ([]state, error) {
	if n.Cap > 9 {
		return x.walk(n.Sub[0], in)
	}
	open := each(in, func(s *state) { s.from[n.Cap] = len(s.text) })
	for i := range open {
		if open[i].tail && !open[i].ended {
			return nil, errors.New("the expression has a group behind what varies, which no row can")
		}
	}
	states, err := x.walk(n.Sub[0], open)
	if err != nil {
		return nil, err
	}
	return each(states, func(s *state) { s.to[n.Cap], s.whole[n.Cap] = len(s.text), s.tail && !s.ended }), nil
}

// special are the characters that a path has escaped alone.
const special = "?#%"

// anyText reports whether n matches every character that a path may have, or all
// but special ones.
func anyText(n *syntax.Regexp) bool {
	if n.Op != syntax.OpCharClass {
		return n.Op == syntax.OpAnyCharNotNL || n.Op == syntax.OpAnyChar
	}
	next := rune(' ')
	for i := 0; i < len(n.Rune); i += 2 {
		for next < n.Rune[i] && strings.ContainsRune(special, next) {
			next++
		}
		if n.Rune[i] <= next {
			next = max(next, n.Rune[i+1]+1)
		}
	}
	return next > 0xFF
}

// repeat takes ".*".
func (x *expression) repeat(n *syntax.Regexp, in []state) ([]state, error) {
	if n.Sub[0].Op == syntax.OpCharClass && anyText(n.Sub[0]) {
		x.say(fmt.Sprintf("%q leaves few characters out: read as \".*\"", n))
	}
	if !anyText(n.Sub[0]) {
		return nil, fmt.Errorf("the expression is beyond texts and prefixes: %q", n)
	}
	if n.Op == syntax.OpPlus {
		return nil, errors.New(`".+" leaves out the path it begins behind, which no row can: write ".*" if that may answer the same`)
	}
	for _, s := range in {
		if s.tail && !s.ended {
			return nil, errors.New("the expression has two parts that vary, which no row can")
		}
	}
	return each(in, func(s *state) {
		if s.ended {
			return
		}
		// Whatever stands before is taken too: as good as "^".
		s.begun, s.tail = true, true
	}), nil
}

// add takes a state that matches as a shape.
func (x *expression) add(s state) {
	sh := shape{text: s.text, tail: s.tail || !s.ended}
	for i := 1; i < 10; i++ {
		sh.groups[i] = s.text[s.from[i]:max(s.from[i], s.to[i])]
		if s.whole[i] {
			sh.groups[i] += tailMark
		}
	}
	sh.groups[0] = s.text
	if s.tail {
		sh.groups[0] += tailMark
	}
	x.shapes = append(x.shapes, sh)
}

// split makes shapes whose tails begin behind a slash, and says whether that
// left out what merely begins with a shape's text. root is what all paths begin
// with: "/", or "" where a directory was cut off.
func (x *expression) split(root string) (shapes []shape, partly bool) {
	for _, s := range x.shapes {
		switch {
		case !s.tail || strings.HasSuffix(s.text, "/") || s.text == "" && root == "":
			shapes = append(shapes, s)
			continue
		case s.text != "":
			partly = true
			alone := s
			alone.tail = false
			for i := range alone.groups {
				alone.groups[i] = strings.TrimSuffix(s.groups[i], tailMark)
			}
			shapes = append(shapes, alone)
		}
		under := s
		under.text += "/"
		for i := range under.groups {
			if before, ok := strings.CutSuffix(s.groups[i], tailMark); ok {
				under.groups[i] = before + "/" + tailMark
			}
		}
		shapes = append(shapes, under)
	}
	return slices.DeleteFunc(shapes, func(s shape) bool {
		return !strings.HasPrefix(s.text, root) || root == "" && strings.HasPrefix(s.text, "/")
	}), partly
}

// expand is the target that a template gives for a shape: "$1" is the first
// group, and a backslash takes away the next character's meaning.
func (s shape) expand(template string) string {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		case c == '$' && i+1 < len(template) && '0' <= template[i+1] && template[i+1] <= '9':
			i++
			b.WriteString(s.groups[template[i]-'0'])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// splitTail takes an expanded target apart: its text, and whether the tail follows.
func splitTail(target string) (text string, keep bool, problem string) {
	text, behind, keep := strings.Cut(target, tailMark)
	if keep && behind != "" {
		return "", false, "puts the rest of the path elsewhere than at the target's end, which no row can"
	}
	if keep && strings.ContainsAny(text, "?#") {
		return "", false, "puts the rest of the path into the target's query or fragment, which no row can"
	}
	return text, keep, ""
}

// joined makes one rule of a path's own and that of what is below it, where one
// row says both.
func joined(rules []rule) []rule {
	for i := range rules {
		for j := range rules {
			at, under := &rules[i], &rules[j]
			if at.kind != exact || under.kind != below || under.path != at.path+"/" || at.status != under.status || at.drop != under.drop {
				continue
			}
			root := under.keep && under.target == "/" && at.target == "/"
			if under.keep && under.target == at.target+"/" || !under.keep && under.target == at.target || root {
				merged := *under
				merged.kind, merged.path, merged.target = prefix, at.path, at.target
				if root {
					merged.target = ""
				}
				rules[min(i, j)] = merged
				return joined(slices.Delete(rules, max(i, j), max(i, j)+1))
			}
		}
	}
	return rules
}
