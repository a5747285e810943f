// Redirect, RedirectPermanent, RedirectTemp and RedirectMatch of mod_alias.

package exchange

import (
	"fmt"
	"strconv"
	"strings"

	"pagemap/mapping"
)

// alias is the entry of a directive; false where it has been told about.
func (c *configuration) alias(d directive) (entry, bool) {
	e := entry{line: d.line, text: d.text}
	fail := func(v Verdict, format string, args ...any) (entry, bool) {
		c.say(d.line, v, d.text, fmt.Sprintf(format, args...))
		return entry{}, false
	}
	args := d.args
	word := "302"
	switch d.name {
	case "redirectpermanent":
		word = "301"
	case "redirect", "redirectmatch":
		if len(args) > 0 && isStatus(args[0]) {
			word, args = args[0], args[1:]
		}
	}
	status, note, problem := parseStatus(word)
	if problem != "" {
		if strings.HasPrefix(word, "3") {
			return fail(Refused, "%s", problem)
		}
		return fail(Unexpressed, "%s", problem)
	}
	if note != "" {
		e.notes = append(e.notes, note)
	}
	redirects := status == 301 || status == 302
	switch {
	case len(args) == 1 && redirects && d.in.location:
		return fail(Unexpressed, "takes its path from <Location>: write it into the directive")
	case redirects && len(args) != 2:
		return fail(Refused, "needs a path and a target")
	case !redirects && len(args) != 1:
		return fail(Refused, "with the status %d needs a path alone", status)
	case status == 200:
		return fail(Refused, "status 200 is no redirect")
	}
	if why := c.foreign(d.in); why != "" {
		return fail(Unexpressed, "%s", why)
	}
	target := ""
	if redirects {
		target = args[1]
	}
	if redirects && !isTarget(target) && !strings.HasPrefix(target, "$") {
		return fail(Refused, "the target %q is neither a URL nor a path", target)
	}
	if d.name == "redirectmatch" {
		x, err := parseExpression(args[0])
		if err != nil {
			return fail(Unexpressed, "%v", err)
		}
		return c.matched(d, e, x, status, target)
	}
	r := rule{kind: prefix, status: status, target: target, keep: redirects}
	if strings.ContainsAny(args[0], "?#") {
		return fail(Unexpressed, "never answers: Redirect compares paths, without query and fragment; a row for a query is written /path?name=value")
	}
	var ok bool
	if r.path, ok = keyOf(args[0]); !ok {
		return fail(Refused, "%q is no path", args[0])
	}
	if strings.HasSuffix(string(r.path), "/") {
		r.kind = below
	}
	if strings.Contains(args[0], "%") {
		e.notes = append(e.notes, fmt.Sprintf(`Apache compares decoded paths: "%%" is no escape there, so this is %s`, r.path))
	}
	if r, ok = r.inside(d.in); !ok {
		return fail(Unexpressed, "never answers: only requests below %s come here", d.in.base)
	}
	r.ownQuery()
	e.rules = []rule{r}
	return e, true
}

// isStatus reports whether a first argument is a status.
func isStatus(s string) bool {
	switch strings.ToLower(s) {
	case "permanent", "temp", "seeother", "gone":
		return true
	}
	_, err := strconv.Atoi(s)
	return err == nil
}

// ownQuery makes the rule drop the request's query where the target has one of
// its own, as mod_alias does.
func (r *rule) ownQuery() {
	if r.status != 301 && r.status != 302 {
		return
	}
	if path, fragment, _ := strings.Cut(r.target, "#"); strings.Contains(path, "?") {
		r.drop = true
		if before, ok := strings.CutSuffix(path, "?"); ok && fragment == "" {
			r.target = before
			if r.keep {
				r.kind, r.keep = exact, false
			}
		}
	}
}

// inside is the part of the rule that holds for requests of a directory; false
// where there is none.
func (r rule) inside(s *scope) (rule, bool) {
	if !s.config().perDir || s.base == "/" {
		return r, true
	}
	stem, dir := string(r.stem()), string(s.base)
	switch {
	case r.kind == exact:
		return r, strings.HasPrefix(string(r.path)+"/", dir)
	case strings.HasPrefix(stem+"/", dir):
		return r, true
	case !strings.HasPrefix(dir, stem+"/"):
		return r, false
	}
	// The directory itself is asked for with and without its slash.
	at := mapping.Path(strings.TrimSuffix(dir, "/"))
	if r.keep {
		r.target += string(at[len(r.path):])
	}
	r.path, r.kind = at, prefix
	return r, true
}

// matched is the entry of a RedirectMatch.
func (c *configuration) matched(d directive, e entry, x expression, status uint16, template string) (entry, bool) {
	fail := func(problem string) (entry, bool) {
		c.say(d.line, Unexpressed, d.text, problem)
		return entry{}, false
	}
	shapes, partly := x.split("/")
	for _, s := range shapes {
		r := rule{status: status, fold: x.fold}
		var problem string
		if r.target, r.keep, problem = splitTail(s.expand(template)); problem != "" {
			return fail(problem)
		}
		r.target = escapeMatched(r.target)
		if problem = r.shaped(s, "/"); problem != "" {
			return fail(problem)
		}
		inside, ok := r.inside(d.in)
		if !ok {
			continue
		}
		inside.ownQuery()
		e.rules = append(e.rules, inside)
	}
	if len(e.rules) == 0 {
		return fail("never answers")
	}
	e.rules = joined(e.rules)
	e.notes = append(e.notes, x.said(partly, e.rules)...)
	return e, true
}

// shaped gives a rule the path of a shape, below root.
func (r *rule) shaped(s shape, root string) (problem string) {
	path, ok := keyOf(strings.TrimSuffix(root, "/") + "/" + strings.TrimPrefix(s.text, "/"))
	if !ok {
		return fmt.Sprintf("never answers: no request has the path %q", s.text)
	}
	if r.path = path; s.tail {
		r.kind = below
	}
	return ""
}

// said are the notes on what the rules of an expression leave out of it.
func (x *expression) said(partly bool, rules []rule) []string {
	notes := x.notes
	if partly {
		notes = append(notes, "the expression also matches what merely begins with the path, which is not read")
	}
	if x.fold {
		for _, r := range rules {
			if r.kind != exact {
				return append(notes, fmt.Sprintf("it ignores case, which below %s no row can", r.path))
			}
		}
	}
	return notes
}

// escapeMatched escapes a target's path as mod_alias does behind RedirectMatch:
// "%" too. Query and fragment stay.
func escapeMatched(target string) string {
	path, rest := target, ""
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		path, rest = target[:i], target[i:]
	}
	return escapeURI(path) + rest
}

// escapeURI is Apache's ap_escape_uri.
func escapeURI(s string) string {
	const plain = "$-_.+!*'(),:;@&=/~"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
