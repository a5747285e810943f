// Writing Apache's configuration.

package exchange

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// apacheWriter writes exact and query rows as RewriteRules and prefix rows,
// which Apache tries after these, as Redirects, the longest first.
type apacheWriter struct {
	out        *bufio.Writer
	server     bool // for httpd.conf: expressions begin with a slash
	indexNames []string
	exacts     []mapping.Page
	prefixes   []mapping.Page
}

func (w *apacheWriter) write(p mapping.Page) (Left, error) {
	switch reason := w.cannot(p); {
	case reason != "":
		return Left{Reason: reason}, nil
	case strings.HasSuffix(p.Pattern, "/*"):
		w.prefixes = append(w.prefixes, p)
	default:
		w.exacts = append(w.exacts, p)
	}
	left := bare(p)
	if strings.Contains(p.Source, "#") && !p.DropQuery && (p.Status == 301 || p.Status == 302) {
		// Apache's own order, which browsers take for a longer fragment.
		left.Written = true
		left.Reason = strings.TrimPrefix(left.Reason+"; Apache puts a request's query behind the target's fragment", "; ")
	}
	return left, nil
}

// cannot is why the format cannot hold a row.
func (w *apacheWriter) cannot(p mapping.Page) string {
	path, query, _ := strings.Cut(p.Pattern, "?")
	own := strings.Contains(p.Source, "?")
	switch {
	case p.Status == 200:
		return noRedirect
	case strings.HasSuffix(path, "/*") && (strings.Contains(path, "%3F") || strings.Contains(path, "%23")):
		return "has an escaped \"?\" or \"#\" before its \"/*\", which in Redirect is taken for a mistake"
	case strings.Contains(p.Pattern, "%2F"):
		return "has an escaped slash, which Apache refuses"
	case strings.Contains(p.Source, `"`) && strings.Contains(p.Source, "'"):
		return "has both kinds of quotes in its target"
	case query != "":
		for param := range strings.SplitSeq(query, "&") {
			if quoteExpression(param) != strings.ReplaceAll(param, ".", `\.`) {
				return "has a parameter that no condition on the raw query finds"
			}
		}
		return ""
	case !strings.HasSuffix(path, "/*") || p.Status == 404 || p.Status == 410:
		return ""
	case strings.HasSuffix(p.Source, "/*") && (own || p.DropQuery || strings.Contains(p.Source, "#")):
		return "Redirect cannot drop the request's query, or have its own before the rest of the path"
	case !strings.HasSuffix(p.Source, "/*") && own != p.DropQuery:
		return "RedirectMatch drops the request's query where the target has its own, and nowhere else"
	case !strings.HasSuffix(p.Source, "/*") && strings.ContainsAny(pathOf(p.Source), `%[]^|"<>{}`+"`"):
		return "RedirectMatch escapes its target's path once more"
	}
	return ""
}

// pathOf is a URL before its query and fragment.
func pathOf(url string) string {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		return url[:i]
	}
	return url
}

func (w *apacheWriter) finish() []Left {
	slices.SortStableFunc(w.exacts, func(a, b mapping.Page) int { return parameters(b) - parameters(a) })
	slices.SortStableFunc(w.prefixes, func(a, b mapping.Page) int { return len(b.Pattern) - len(a.Pattern) })
	if len(w.exacts) > 0 {
		fmt.Fprintln(w.out, "RewriteEngine On")
		w.rewrites()
	}
	for _, p := range w.prefixes {
		fmt.Fprintln(w.out, redirect(p))
	}
	return nil
}

// parameters is how many a row has.
func parameters(p mapping.Page) int {
	_, query, ok := strings.Cut(p.Pattern, "?")
	if !ok {
		return 0
	}
	return 1 + strings.Count(query, "&")
}

// rewrites writes the exact and query rows.
func (w *apacheWriter) rewrites() {
	answers := answering(w.exacts, w.prefixes, w.indexNames)
	for _, p := range w.exacts {
		_, query, _ := strings.Cut(p.Pattern, "?")
		paths, _ := answers(p)
		for param := range strings.SplitSeq(query, "&") {
			if param != "" {
				fmt.Fprintf(w.out, "RewriteCond %%{QUERY_STRING} (^|&)%s(&|$)\n", strings.ReplaceAll(param, ".", `\.`))
			}
		}
		var texts []string
		for _, p := range paths {
			texts = append(texts, w.expression(p))
		}
		expression := texts[0]
		if len(texts) > 1 {
			expression = "(?:" + strings.Join(texts, "|") + ")"
		}
		fmt.Fprintf(w.out, "RewriteRule \"^%s$\" %s\n", expression, substitution(p))
	}
}

// expression is the expression for a path.
func (w *apacheWriter) expression(p mapping.Path) string {
	name := decoded(p)
	if !w.server {
		name = name[1:]
	}
	return strings.ReplaceAll(quoteExpression(name), `"`, `\x22`)
}

// decoded are the bytes of a path.
func decoded(p mapping.Path) string {
	name, _ := (p + "x").FileName()
	return "/" + strings.TrimSuffix(name, "x")
}

// substitution is target and flags of a row.
func substitution(p mapping.Page) string {
	switch p.Status {
	case 410:
		return "- [G]"
	case 404:
		return "- [R=404]"
	}
	flags := fmt.Sprintf("R=%d,NE,L", p.Status)
	target := strings.NewReplacer(`\`, `\\`, "$", `\$`, "%", `\%`).Replace(p.Source)
	switch own := strings.Contains(p.Source, "?"); {
	case own && !p.DropQuery:
		flags += ",QSA"
	case !own && p.DropQuery:
		flags += ",QSD"
	}
	quote := `"`
	if strings.Contains(target, quote) {
		quote = "'"
	}
	return quote + target + quote + " [" + flags + "]"
}

// redirect is the directive of a prefix row.
func redirect(p mapping.Page) string {
	stem := mapping.Path(strings.TrimSuffix(p.Pattern, "/*"))
	path := "/"
	if stem != "" {
		path = decoded(stem)
	}
	switch base, keep := strings.CutSuffix(p.Source, "/*"); {
	case p.Status == 404 || p.Status == 410:
		return fmt.Sprintf("Redirect %d %s", p.Status, quoted(path))
	case keep && stem == "":
		return fmt.Sprintf("Redirect %d / %s", p.Status, quoted(base+"/"))
	case keep && base == "":
		return fmt.Sprintf("RedirectMatch %d %s /$1", p.Status, quoted("^"+quoteExpression(path)+"(?:/(.*))?$"))
	case keep:
		return fmt.Sprintf("Redirect %d %s %s", p.Status, quoted(path), quoted(base))
	default:
		return fmt.Sprintf("RedirectMatch %d %s %s", p.Status, quoted("^"+quoteExpression(strings.TrimSuffix(path, "/"))+"(?:/.*)?$"), quoted(strings.ReplaceAll(p.Source, "$", `\$`)))
	}
}

// quoted is an argument in quotes.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
