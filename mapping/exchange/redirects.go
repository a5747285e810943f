// _redirects, as Netlify and Cloudflare Pages read it.

package exchange

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pagemap/mapping"
)

// readRedirects reads rules "FROM [NAME=VALUE...] TO [STATUS[!]] [CONDITION...]".
func (a *account) readRedirects() error {
	c := a.compiler()
	c.slashless = true
	err := a.each(func(line int, text string) {
		words := fields(text)
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
			words = words[:i]
		}
		if len(words) == 0 {
			return
		}
		e, v, reason := a.redirect(words)
		if reason != "" {
			a.say(line, v, text, reason)
			return
		}
		e.line, e.text = line, text
		c.take(e)
	})
	if err != nil {
		return err
	}
	return nil
}

// redirect is the rule of a line, or what becomes of the line instead.
func (a *account) redirect(words []string) (e entry, v Verdict, reason string) {
	from, words := words[0], words[1:]
	var params []string
	for len(words) > 0 && !isTarget(words[0]) && strings.Contains(words[0], "=") {
		params, words = append(params, words[0]), words[1:]
	}
	if len(words) == 0 || !isTarget(words[0]) {
		return e, Refused, `has no target: write "/from /to 301"`
	}
	r := rule{target: words[0], status: 301}
	status, forced := 301, false
	if words = words[1:]; len(words) > 0 && !strings.Contains(words[0], "=") {
		var text string
		text, forced = strings.CutSuffix(words[0], "!")
		code, err := strconv.Atoi(text)
		if err != nil {
			return e, Refused, fmt.Sprintf("%q is no status", words[0])
		}
		status, words = code, words[1:]
	}
	if len(words) > 0 {
		return e, Unexpressed, fmt.Sprintf("has the condition %s, which no row has", strings.Join(words, " "))
	}
	var note, problem string
	if r.status, note, problem = rowStatus(status); problem != "" {
		return e, Refused, problem
	}
	if note != "" {
		e.notes = append(e.notes, note)
	}
	path := a.o.Hosts.SitePath(from)
	if !strings.HasPrefix(path, "/") {
		if strings.Contains(path, "://") {
			return e, Refused, fmt.Sprintf("%s is not on a host of this site", from)
		}
		return e, Refused, fmt.Sprintf("the path %q does not start with \"/\"", from)
	}
	stem, splat := strings.CutSuffix(path, "/*")
	switch {
	case strings.Contains(stem, "*"):
		return e, Unexpressed, `has a "*" other than the final "/*"`
	case strings.Contains(path, "/:"):
		return e, Unexpressed, "has a placeholder, which no row has"
	case strings.Contains(path, "#"):
		return e, Refused, "has a fragment in its path, which no request brings"
	case splat && params != nil:
		return e, Unexpressed, "has a splat and parameters, of which a row has one alone"
	}
	for _, p := range params {
		if _, value, _ := strings.Cut(p, "="); strings.HasPrefix(value, ":") {
			return e, Unexpressed, fmt.Sprintf("has the placeholder %s, which no row has", p)
		}
	}
	if splat {
		path = stem + "/"
	}
	if query := strings.Join(params, "&"); query != "" {
		path += "?" + query
	}
	pattern, err := mapping.ParsePattern(path)
	if err != nil {
		return e, Refused, plain(err)
	}
	r.path = pattern.Path
	_, r.query, _ = strings.Cut(pattern.String(), "?")
	if splat {
		r.kind = prefix
		if r.path != "/" {
			r.path = r.stem()
		}
	}
	if v, reason := r.redirectTarget(splat); reason != "" {
		return e, v, reason
	}
	if r.kind == prefix && !forced {
		if r.status == 404 || r.status == 410 {
			return e, Unexpressed, fmt.Sprintf("answers where no file is, and a row would hide the files below it: write %d! where that is meant", r.status)
		}
		e.notes = append(e.notes, `hides files below it, as with "!"`)
	}
	if r.status == 404 || r.status == 410 {
		e.notes = append(e.notes, fmt.Sprintf("the page %q is not shown: the site has its own", clip(r.target)))
		r.target = ""
	}
	e.rules = []rule{r}
	return e, 0, ""
}

// redirectTarget brings the target to a rule's form.
func (r *rule) redirectTarget(splat bool) (Verdict, string) {
	base, keep := strings.CutSuffix(r.target, "/:splat")
	switch {
	case r.status == 200 && (keep || r.kind != exact):
		return Unexpressed, "shows other pages under a prefix, where a row would hide the files below it"
	case r.status == 200 && !strings.HasPrefix(r.target, "/"):
		return Unexpressed, "shows a page of another host, which no row can"
	case r.status == 200 && !strings.Contains(r.target[strings.LastIndexByte(r.target, '/'):], "."):
		return Unexpressed, "shows a page that is no file by its name: write a row 200 file:/path"
	case r.status == 200:
		r.target = "file:" + r.target
	case strings.Contains(base, ":splat"):
		return Unexpressed, `has ":splat" elsewhere than at the target's end`
	case keep && !splat:
		return Refused, `has ":splat" in its target, but no "/*" in its path`
	case keep && strings.ContainsAny(base, "?#"):
		return Unexpressed, "puts the rest of the path into the target's query or fragment, which no row can"
	case hasPlaceholder(r.target) && !keep:
		return Unexpressed, "has a placeholder in its target, which no row has"
	case keep:
		r.keep, r.target = true, base
		if r.path == "/" {
			r.target += "/"
		}
	}
	return 0, ""
}

// isTarget tells a target from a condition.
func isTarget(word string) bool {
	return strings.HasPrefix(word, "/") || strings.Contains(word, "://")
}

// hasPlaceholder reports whether a target names a part of the path.
func hasPlaceholder(target string) bool {
	if i := strings.Index(target, "://"); i >= 0 {
		target = target[i+3:]
	}
	for i := 0; i+1 < len(target); i++ {
		if (target[i] == '/' || target[i] == '=') && target[i+1] == ':' {
			return true
		}
	}
	return false
}

// redirectsWriter writes rules, prefixes behind the others, the longest first.
type redirectsWriter struct {
	out      *bufio.Writer
	exacts   map[string]string // path without the final slash and query to the pattern
	queried  []mapping.Page
	plain    []mapping.Page
	prefixes []mapping.Page
}

func (w *redirectsWriter) write(p mapping.Page) (Left, error) {
	if p.DropQuery {
		return Left{Reason: "drops the request's query, which the format cannot"}, nil
	}
	if reason := notInRedirects(p); reason != "" {
		return Left{Reason: reason}, nil
	}
	path, query, _ := strings.Cut(p.Pattern, "?")
	if strings.HasSuffix(path, "/*") {
		w.prefixes = append(w.prefixes, p)
		return bare(p), nil
	}
	key := strings.TrimSuffix(path, "/") + "?" + query
	if w.exacts == nil {
		w.exacts = map[string]string{}
	}
	if twin, ok := w.exacts[key]; ok {
		return Left{Reason: fmt.Sprintf("is the same path as %s there: a final slash makes no difference", twin)}, nil
	}
	w.exacts[key] = p.Pattern
	if query != "" {
		w.queried = append(w.queried, p)
	} else {
		w.plain = append(w.plain, p)
	}
	return bare(p), nil
}

// notInRedirects is why the format cannot hold a row.
func notInRedirects(p mapping.Page) string {
	path, query, _ := strings.Cut(p.Pattern, "?")
	_, splat := strings.CutSuffix(path, "/*")
	switch {
	case p.Status == 404 || p.Status == 410:
		return fmt.Sprintf("is %d, and the format has redirects alone", p.Status)
	case p.Status == 200 && (splat || !strings.HasPrefix(p.Source, "file:") || !strings.Contains(p.Source[strings.LastIndexByte(p.Source, '/'):], ".")):
		return noRedirect
	case strings.Contains(path, "/:"):
		return `has "/:" in its path, which is a placeholder there`
	case strings.Contains(query, "=:") || strings.Contains(query, "://") || strings.HasPrefix(query, "/") || strings.Contains(query, "&/"):
		return "has a parameter that would be taken for something else"
	case strings.Contains(p.Source, ":splat") || hasPlaceholder(strings.TrimPrefix(p.Source, "file:")):
		return `has ":" in its target, which is a placeholder there`
	}
	return ""
}

func (w *redirectsWriter) finish() []Left {
	// More parameters before fewer, longer prefixes before shorter.
	slices.SortStableFunc(w.queried, func(a, b mapping.Page) int { return strings.Count(b.Pattern, "&") - strings.Count(a.Pattern, "&") })
	slices.SortStableFunc(w.prefixes, func(a, b mapping.Page) int { return len(b.Pattern) - len(a.Pattern) })
	for _, pages := range [...][]mapping.Page{w.queried, w.plain, w.prefixes} {
		for _, p := range pages {
			path, query, _ := strings.Cut(p.Pattern, "?")
			if query != "" {
				path += " " + strings.ReplaceAll(query, "&", " ")
			}
			target := strings.TrimPrefix(p.Source, "file:")
			if base, ok := strings.CutSuffix(target, "/*"); ok {
				target = base + "/:splat"
			}
			fmt.Fprintf(w.out, "%s %s %d\n", path, target, p.Status)
		}
	}
	return nil
}
