// Real Apache and the table with the rows read from its configuration answer the same.

package exchange

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pagemap/mapping"
)

// generated is an .htaccess of the root, or configuration of the server, with all
// that can be read, over paths of its own for every few lines, and those paths.
func generated(r *rand.Rand, f Format, blocks int) (text string, known []string) {
	var b strings.Builder
	b.WriteString("# generated\nRewriteEngine On\n\n")
	var redirected []string
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	quote := func(s string) string {
		if strings.Contains(s, " ") || r.IntN(5) == 0 {
			return `"` + s + `"`
		}
		return s
	}
	for i := range blocks {
		path := fmt.Sprintf("/g%d%s", i, pick("", "", "/page.html", "/Dir/Sub", "/sp ace", "/ó", "/a+b", "/index.html"))
		key := string(mapping.PathOfFile(path[1:]))
		known = append(known, key)
		target := func(end string) string {
			if len(redirected) > 0 && end == "" && r.IntN(6) == 0 {
				return redirected[r.IntN(len(redirected))]
			}
			return pick("/t", "/t", "https://o.example/t", "http://127.0.0.2/t") + fmt.Sprint(i) + pick("", "/x.html", "/Deep/x") + end
		}
		status := pick("", "301", "302", "permanent", "temp", "seeother", "307", "308", "303")
		line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
		re := "^" + quoteExpression(path)
		ofRule := re
		if f == Htaccess {
			ofRule = "^" + quoteExpression(path[1:])
		}
		flags := pick("R=301,L", "R,L", "R=302,L", "R=permanent,NE,L", "L,R=303", "R=301", "END,R=307")
		switch r.IntN(24) {
		case 0, 1, 2:
			line("Redirect %s %s %s", status, quote(path), target(pick("", "", "", "/", "?own=1", "#part")))
		case 3:
			line("Redirect %s %s %s", status, quote(path+"/"), target("/"))
		case 4:
			line("%s %s %s", pick("RedirectPermanent", "RedirectTemp", "redirectpermanent"), quote(path), target(""))
			if !strings.Contains(key, "%") {
				redirected = append(redirected, key)
			}
		case 5:
			line("Redirect %s %s", pick("gone", "410", "404"), quote(path+pick("", "/")))
		case 6:
			line("RedirectMatch %s %s %s", status, quote(re+"$"), target(pick("", "?own=1&b", "?", "#part", "/")))
			if status == "301" && !strings.Contains(key, "%") {
				redirected = append(redirected, key)
			}
		case 7:
			line("RedirectMatch %s %s %s", status, quote(re+"/?$"), target(""))
		case 8:
			line("RedirectMatch %s %s %s", status, quote(re+"(/.*)?$"), target("$1"))
		case 9:
			line("RedirectMatch %s %s %s", status, quote(re+"/(.*)$"), target("/$1"))
		case 10:
			line("RedirectMatch %s %s", pick("gone", "410"), quote(re+pick("$", "/.*$", "/", "(/|$)")))
		case 11:
			line("RedirectMatch 301 %s %s", quote(re+`/(a|b|cc)\.(html?)$`), target("/$1/n.$2"))
			known = append(known, key+"/a.html", key+"/b.htm", key+"/cc.html", key+"/c.html")
		case 12:
			line("RewriteRule %s %s [%s]", quote(ofRule+"$"), target(pick("", "?own=1", "?", "/")), flags)
		case 13:
			line("RewriteRule %s %s [%s]", quote(ofRule+"/?$"), target(""), flags+pick("", ",QSD", ",NC"))
		case 14:
			line("RewriteRule %s %s [%s]", quote(ofRule+"/(.*)$"), target("/$1"), "R=301,L")
		case 15:
			line("RewriteRule %s %s [R=301,L]", quote(ofRule+"(/.*)?$"), target("$1"))
		case 16:
			line("RewriteRule %s - [%s]", quote(ofRule+pick("$", "/", "(/|$)")), pick("G", "R=410", "R=404,L", "gone,L"))
		case 17:
			line("RewriteCond %%{QUERY_STRING} (^|&)id=5(&|$)")
			line("RewriteRule %s %s [R=301,L]", quote(ofRule+"$"), target("?"))
			line("Redirect 302 %s %s", quote(path), target(""))
		case 18: // the narrower first, and an index file of it
			line("Redirect 301 %s %s", quote(path+"/in"), target("/1"))
			line("RedirectMatch 301 %s %s", quote(re+`/index\.html$`), target("/2"))
			line("Redirect 302 %s %s", quote(path), target("/3"))
			known = append(known, key+"/in", key+"/index.html", key+"/in/index.html")
		case 19: // the broader first
			line("Redirect 301 %s %s", quote(path), target("/1"))
			line("Redirect 301 %s %s", quote(path+"/in"), target("/2"))
			line("RedirectMatch gone %s", quote(re+"/out$"))
			known = append(known, key+"/in", key+"/out")
		case 20: // exact in a prefix
			line("RedirectMatch 301 %s %s", quote(re+pick("$", "/$", "/in$", "/in/$")), target("/1"))
			line("Redirect 302 %s %s", quote(path+pick("", "/")), target("/"))
			known = append(known, key+"/in")
		case 21: // mod_rewrite goes first, wherever it stands
			line("Redirect 302 %s %s", quote(path), target("/1"))
			line("RewriteRule %s %s [R=301,L]", quote(ofRule+"/in$"), target("/2"))
			line("RewriteRule %s %s [R=301,L]", quote(ofRule+"/rest/(.*)$"), target("/3/$1"))
			known = append(known, key+"/in", key+"/rest", key+"/rest/more")
		case 22: // the same and another once more
			line("Redirect 301 %s /t%d", quote(path), i)
			line("Redirect 301 %s /t%d", quote(path), i)
			line("Redirect 301 %s /other%d", quote(path), i)
			line("Redirect 301 %s /other%d", quote(path+"/"), i)
		case 23:
			line("<IfModule mod_alias.c>\n  Redirect 301 \\\n    %s %s\n</IfModule>", quote(path), target(""))
		}
	}
	return b.String(), known
}

var forAlone = regexp.MustCompile(`for (\S+) alone`)

func TestAgainstApache(t *testing.T) {
	for _, f := range []Format{Htaccess, Httpd} {
		t.Run(string(f), func(t *testing.T) {
			text, known := generated(rand.New(rand.NewPCG(3, 5)), f, 300)
			againstApache(t, startWith(t, f, text), text, known)
		})
	}
}

// startWith serves an empty tree with a list, in a file of it or in the
// configuration of the server.
func startWith(t *testing.T, f Format, text string) *server {
	if f == Httpd {
		return startHttpd(t, text)
	}
	return startApache(t, "/", text)
}

func againstApache(t *testing.T, s *server, text string, known []string) {
	// The rows of a Redirect whose target has a query or a fragment are for its
	// path alone: the notes say so.
	alone := map[string]bool{}
	in, err := Read(t.Context(), strings.NewReader(text), s.read)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range in.Problems {
		if p.Verdict == Refused {
			t.Errorf("line %d: %s\n\t%s", p.Line, p.Reason, p.Text)
		}
		if found := forAlone.FindStringSubmatch(p.Reason); found != nil {
			alone[found[1]] = true
		}
	}
	except := func(key string) bool {
		for path := range alone {
			if strings.HasPrefix(key, path+"/") {
				return true
			}
		}
		return false
	}
	in, asked := s.compare(text, known, except)
	t.Logf("%d lines %v, %d rows, %d targets, %d paths alone", in.Lines, in.Counts, len(in.Rows), asked, len(alone))
	if asked < 10000 || in.Counts[Accepted] < 300 {
		t.Errorf("%d targets, counts %v: too few to tell", asked, in.Counts)
	}
}

// TestExportAgainstApache: what Write made of a table answers as the table.
func TestExportAgainstApache(t *testing.T) {
	for _, f := range []Format{Htaccess, Httpd} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(f, seed), func(t *testing.T) {
				exportAgainstApache(t, f, randomPages(rand.New(rand.NewPCG(seed, 8)), 120))
			})
		}
	}
}

func exportAgainstApache(t *testing.T, f Format, pages []mapping.Page) {
	// Apache refuses "%3F" in paths that it rewrites.
	pages = slices.DeleteFunc(withoutLoops(pages), func(p mapping.Page) bool { return strings.Contains(p.Pattern, "%3F") })
	var b strings.Builder
	left, err := Write(&b, f, all(pages), WriteOptions{IndexNames: []string{"index.html"}})
	if err != nil {
		t.Fatal(err)
	}
	s := startWith(t, f, b.String())
	in, asked := s.compare(b.String(), held(pages, left), func(string) bool { return false })
	t.Logf("%d pages, %d rows, %d targets", len(pages), len(in.Rows), asked)
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestHtaccessOfDirectory(t *testing.T) {
	text := `RewriteEngine On
RewriteBase /sub
RewriteRule ^rel$ there [R=301,L]
RewriteRule ^r/(.*)$ /n/$1 [R=301,L]
Redirect 301 /sub/a /t/a
Redirect 301 /other /t/other
RedirectMatch 301 ^/sub/m(/.*)?$ https://o.example$1
RedirectMatch 301 ^/out$ /t/out
Redirect 301 / /t/all/
`
	known := []string{"/sub", "/sub/", "/sub/a", "/sub/m", "/sub/rel", "/sub/r", "/sub/r/x", "/sub/b", "/other", "/out", "/subx", "/x"}
	s := startApache(t, "/sub/", text)
	in, asked := s.compare(text, known, func(string) bool { return false })
	t.Logf("%d rows, %d targets", len(in.Rows), asked)
	if in.Counts[Accepted] != 5 || in.Counts[Unexpressed] != 2 || in.Counts[Refused] != 0 {
		t.Errorf("%v %+v", in.Counts, in.Problems)
	}
}

func TestHtaccessForAll(t *testing.T) {
	text := `RedirectMatch 301 ^/$ /home
RedirectMatch 301 ^/home$ https://o.example/start
Redirect 302 /docs/ https://docs.example/v1/
RedirectMatch gone ^/old/index\.html$
RedirectMatch 301 ^/q$ https://o.example/?x=1
Redirect 301 / https://new.example/
Redirect 301 /never /t
`
	known := []string{"/", "/home", "/docs", "/docs/", "/docs/a", "/old", "/old/", "/old/index.html", "/q", "/never", "/else", "/else/index.html"}
	s := startApache(t, "/", text)
	in, asked := s.compare(text, known, func(string) bool { return false })
	t.Logf("%d rows, %d targets", len(in.Rows), asked)
	if in.Counts[Accepted] != 6 || in.Counts[Unexpressed] != 1 {
		t.Errorf("%v %+v", in.Counts, in.Problems)
	}
}
