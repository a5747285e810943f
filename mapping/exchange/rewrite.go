// RewriteRule and RewriteCond of mod_rewrite.

package exchange

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pagemap/mapping"
)

// rewriting is what holds from one directive of mod_rewrite to the next.
type rewriting struct {
	*configuration
	conditions []directive // of the next rule
	skip       int         // rules that the last one may skip
	skipper    int         // its line
	openEnded  int         // line of the last redirect without L, which later rules see; 0 for none
}

// directive is the entry of a directive of mod_rewrite; false where it has been
// told about.
func (w *rewriting) directive(d directive) (entry, bool) {
	fail := func(v Verdict, format string, args ...any) (entry, bool) {
		w.say(d.line, v, d.text, fmt.Sprintf(format, args...))
		return entry{}, false
	}
	switch d.name {
	case "rewriteengine", "rewritebase":
		return entry{}, false
	case "rewritecond":
		if len(d.args) != 2 && len(d.args) != 3 {
			return fail(Refused, "needs a text and a condition")
		}
		w.conditions = append(w.conditions, d)
		return entry{}, false
	case "rewriterule":
	default:
		return fail(Unexpressed, "%s is no redirect", d.written())
	}
	conditions := w.conditions
	w.conditions = nil
	skipped := 0
	if w.skip > 0 {
		skipped = w.skipper
		w.skip--
	}
	e, v, problem := w.rule(d, conditions)
	if problem == "" && skipped != 0 {
		v, problem = Unexpressed, fmt.Sprintf("holds only as line %d lets it, which no row can tell", skipped)
	}
	if problem != "" {
		for _, cond := range conditions {
			w.say(cond.line, Unexpressed, cond.text, fmt.Sprintf("is of the rule of line %d, which is left out", d.line))
		}
		return fail(v, "%s", problem)
	}
	return e, true
}

// flags of a RewriteRule.
type flags struct {
	status          int // of R, G; 0 for none
	last            bool
	fold            bool
	noEscape        bool
	append, discard bool // QSA, QSD
}

// rewriteWords are the words of a line as mod_rewrite splits it, unlike the rest
// of Apache: backslashes stay, and keep no quote from ending a word, only a blank.
func rewriteWords(line string) (all []string, ok bool) {
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		quote := line[0]
		if quote == '"' || quote == '\'' {
			line = line[1:]
		} else {
			quote = 0
		}
		end := 0
		for end < len(line) && line[end] != quote && (quote != 0 || line[end] != ' ' && line[end] != '\t') {
			if line[end] == '\\' && end+1 < len(line) && (line[end+1] == ' ' || line[end+1] == '\t') {
				end++
			}
			end++
		}
		if end == len(line) && quote != 0 {
			return nil, false
		}
		all = append(all, line[:end])
		line = line[min(end+1, len(line)):]
	}
	return all, true
}

// rule is the entry of a RewriteRule.
func (w *rewriting) rule(d directive, conditions []directive) (e entry, v Verdict, problem string) {
	e = entry{line: d.line, text: d.text}
	if len(d.args) != 2 && len(d.args) != 3 {
		return e, Refused, "needs an expression, a target and perhaps flags"
	}
	config := d.in.config()
	f, v, problem := w.flags(d)
	switch {
	case problem != "":
		return e, v, problem
	case !config.engine:
		return e, Unexpressed, `never answers: there is no "RewriteEngine On" beside it`
	case config.location:
		return e, Unexpressed, "Apache does not promise what RewriteRule does inside <Location>"
	}
	if why := w.foreign(d.in); why != "" {
		return e, Unexpressed, why
	}
	query, notes, problem := w.conditionsOf(conditions)
	if problem != "" {
		return e, Unexpressed, problem
	}
	e.notes = append(e.notes, notes...)
	target, problem := w.substitution(d.args[1], &f, config)
	if problem != "" {
		return e, Unexpressed, problem
	}
	status, note, problem := rowStatus(f.status)
	if problem != "" {
		return e, Unexpressed, problem
	}
	if note != "" {
		e.notes = append(e.notes, note)
	}
	expression, negated := strings.CutPrefix(d.args[0], "!")
	if negated {
		return e, Unexpressed, "holds for all but some paths, which no row can"
	}
	x, err := parseExpression(expression)
	if err != nil {
		return e, Unexpressed, err.Error()
	}
	x.fold = x.fold || f.fold
	root := "/"
	if config.perDir {
		root = ""
	}
	shapes, partly := x.split(root)
	for _, s := range shapes {
		r := rule{status: status, fold: x.fold, query: query}
		if problem := r.rewritten(s, target, f); problem != "" {
			return e, Unexpressed, problem
		}
		dir := mapping.Path("/")
		if config.perDir {
			dir = d.in.base
		}
		if problem := r.shaped(s, string(dir)); problem != "" {
			return e, Unexpressed, problem
		}
		if r.kind != exact && query != "" {
			return e, Unexpressed, "has a condition on the query of all paths below one, which no row can"
		}
		e.rules = append(e.rules, r)
	}
	if len(e.rules) == 0 {
		return e, Unexpressed, `never answers: in an .htaccess or <Directory> paths begin without a slash, elsewhere with one`
	}
	e.rules = joined(e.rules)
	if w.openEnded != 0 && e.rules[0].path == d.in.base && e.rules[0].kind != exact {
		return e, Unexpressed, fmt.Sprintf("changes the redirect of line %d too, which goes on without the flag L", w.openEnded)
	}
	if !f.last && (status == 301 || status == 302) {
		w.openEnded = d.line
	}
	e.notes = append(e.notes, x.said(partly, e.rules)...)
	return e, 0, ""
}

// flags reads the third argument.
func (w *rewriting) flags(d directive) (f flags, v Verdict, problem string) {
	if len(d.args) < 3 {
		return f, 0, ""
	}
	list, opened := strings.CutPrefix(d.args[2], "[")
	list, closed := strings.CutSuffix(list, "]")
	if !opened || !closed {
		return f, Refused, "its flags are not in brackets"
	}
	for flag := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(flag), "=")
		switch strings.ToLower(name) {
		case "r", "redirect":
			f.status = 302
			if value != "" {
				if !isStatus(value) {
					return f, Refused, fmt.Sprintf("status %q is unknown", value)
				}
				status, _, _ := parseStatus(value)
				if f.status = int(status); status == 0 || strings.HasPrefix(value, "3") {
					f.status, _ = strconv.Atoi(value)
				}
			}
		case "g", "gone":
			f.status = 410
		case "l", "last", "end":
			f.last = true
		case "nc", "nocase":
			f.fold = true
		case "ne", "noescape":
			f.noEscape = true
		case "qsa", "qsappend":
			f.append = true
		case "qsd", "qsdiscard":
			f.discard = true
		case "ns", "nosubreq", "dpi", "discardpath", "bnp", "backrefnoplus", "":
		case "s", "skip":
			n, _ := strconv.Atoi(value)
			w.skip, w.skipper = max(w.skip, n), d.line
			return f, Unexpressed, "skips rules behind it, which no row can"
		case "c", "chain":
			w.skip, w.skipper = max(w.skip, 1), d.line
			return f, Unexpressed, "is chained to the rule behind it, which no row can"
		case "f", "forbidden":
			return f, Unexpressed, "forbids, which no row does: it stays with Apache"
		default:
			return f, Unexpressed, fmt.Sprintf("has the flag %s, which no row has", strings.TrimSpace(flag))
		}
	}
	return f, 0, ""
}

// substitution checks a rule's target, and is the whole of a relative one.
func (w *rewriting) substitution(target string, f *flags, config *scope) (string, string) {
	if f.status == 404 || f.status == 410 {
		return "", ""
	}
	host := hostOf(target)
	switch {
	case target == "-":
		return "", "keeps paths from the rules behind it, or sets something, which no row can"
	case f.status == 0 && host != "" && !w.own(host):
		f.status = 302
	case f.status == 0:
		return "", "shows another page under this path: write a row 200 file:/path/in/tree, or redirect to it"
	}
	for i := 0; i < len(target); i++ {
		switch next := target[min(i+1, len(target)-1)]; {
		case target[i] == '\\':
			i++
		case target[i] == '%' && (next == '{' || '0' <= next && next <= '9'):
			return "", fmt.Sprintf("has %q in its target, which Apache fills in: no row can (an escape is written with a backslash before it, and the flag NE)", target[i:i+2])
		case target[i] == '$' && next == '{':
			return "", "asks a RewriteMap: import the map"
		}
	}
	if strings.HasPrefix(target, "/") || host != "" {
		return target, ""
	}
	if strings.Contains(target, "://") {
		return "", fmt.Sprintf("the target %q is no http URL", target)
	}
	switch {
	case !config.perDir:
		return "", fmt.Sprintf("the target %q is neither a URL nor a path", target)
	case config.rewriteTo == "":
		return "", "Apache puts the directory's path on disk before a target without a slash: write a slash, or a RewriteBase"
	}
	return strings.TrimSuffix(config.rewriteTo, "/") + "/" + target, ""
}

// hostOf is scheme and host of a URL, lower case, or "".
func hostOf(target string) string {
	scheme, rest, ok := strings.Cut(target, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + strings.ToLower(rest)
}

// rewritten gives a rule its target as mod_rewrite makes it.
func (r *rule) rewritten(s shape, template string, f flags) (problem string) {
	if r.status != 301 && r.status != 302 {
		return ""
	}
	path, query, own := strings.Cut(template, "?")
	path, query = s.expand(path), s.expand(query)
	if strings.Contains(query, tailMark) {
		return "puts the rest of the path into the target's query, which no row can"
	}
	if path, r.keep, problem = splitTail(path); problem != "" {
		return problem
	}
	if r.keep && own {
		return "puts a query behind the rest of the path, which no row can"
	}
	if !f.noEscape {
		path, query = escapeURI(path), escapeURI(query)
	}
	r.drop = own && !f.append || f.discard
	if r.target = path; query == "" {
		return ""
	}
	if at, fragment, ok := strings.Cut(path, "#"); ok {
		r.target = at + "?" + query + "#" + fragment
	} else {
		r.target += "?" + query
	}
	return ""
}

var (
	wholeQuery   = regexp.MustCompile(`^\^((?:[^^$|()\[\]*+?{}\\]|\\.)+)\$$`)
	oneParameter = regexp.MustCompile(`^\((?:\?:)?\^\|&\)((?:[^^$|()\[\]*+?{}\\&]|\\.)+)\((?:\?:)?&\|\$\)$`)
	escaped      = regexp.MustCompile(`\\(.)`)
)

// conditionsOf turns conditions into a query, or says why no row has them.
func (w *rewriting) conditionsOf(conditions []directive) (query string, notes []string, problem string) {
	whole := "" // the query as one condition has it whole
	for _, d := range conditions {
		test, pattern := strings.ToUpper(d.args[0]), d.args[1]
		var fold bool
		for flag := range strings.SplitSeq(strings.Trim(strings.ToLower(strings.Join(d.args[2:], "")), "[]"), ",") {
			switch flag {
			case "nc", "nocase":
				fold = true
			case "":
			default:
				return "", nil, fmt.Sprintf("has a condition (line %d) joined by %q, which no row has", d.line, flag)
			}
		}
		switch test {
		case "%{HTTP_HOST}":
			if problem := w.hostCondition(pattern, d.line); problem != "" {
				return "", nil, problem
			}
		case "%{QUERY_STRING}":
			found := oneParameter.FindStringSubmatch(pattern)
			if found == nil {
				found = wholeQuery.FindStringSubmatch(pattern)
				if whole != "" {
					return "", nil, fmt.Sprintf("has a second condition on the whole query (line %d)", d.line)
				}
				whole = pattern
				notes = append(notes, "a request with further parameters answers too")
			}
			if found == nil || fold || found[1] == "." || strings.HasPrefix(pattern, "!") {
				return "", nil, fmt.Sprintf("has a condition on the query (line %d) that is no list of parameters", d.line)
			}
			query += "&" + escaped.ReplaceAllString(found[1], "$1")
		default:
			return "", nil, fmt.Sprintf("has a condition on %s (line %d), which no row has", d.args[0], d.line)
		}
	}
	if query == "" {
		return "", notes, ""
	}
	pattern, err := mapping.ParsePattern("/?" + query[1:])
	if err != nil {
		return "", nil, plain(err)
	}
	_, query, _ = strings.Cut(pattern.String(), "?")
	if query == "" {
		return "", nil, "has a condition on the query that names no parameter"
	}
	return query, notes, ""
}

// hostCondition says what keeps a condition on the host from being true for all
// requests of the site.
func (w *rewriting) hostCondition(pattern string, line int) string {
	pattern, negated := strings.CutPrefix(pattern, "!")
	re, err := regexp.Compile("(?i)" + pattern)
	if err != nil || len(w.o.Hosts) == 0 {
		return fmt.Sprintf("has a condition on the host (line %d), and the site's hosts are not known", line)
	}
	matching := 0
	for _, host := range w.o.Hosts {
		if re.MatchString(host) {
			matching++
		}
	}
	switch {
	case negated && matching == 0, !negated && matching == len(w.o.Hosts):
		return ""
	case !negated && matching == 0, negated && matching == len(w.o.Hosts):
		return fmt.Sprintf("is for other hosts than the site's (line %d)", line)
	}
	return fmt.Sprintf("is for some of the site's hosts (line %d): it stays with Apache", line)
}
