// Views: the templates, and what they share.

package admin

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/intake"
)

//go:embed templates/*.html static/*
var files embed.FS

// frame is what the layout is fed with.
type frame struct {
	Title  string
	Page   string // the name of the template
	User   User
	Editor bool
	Site   string
	Done   string // what the request before has done
	Body   any
}

// views are the parsed templates, by name.
type views struct {
	root  string // the admin page's path
	pages map[string]*template.Template
}

func newViews(root string, now func() time.Time) (*views, error) {
	v := &views{root: root, pages: map[string]*template.Template{}}
	var version []byte
	for _, name := range []string{"static/admin.css", "static/admin.js"} {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append(version, text...))
		version = sum[:]
	}
	funcs := template.FuncMap{
		"to":      v.to,
		"query":   func(page, encoded string) string { return root + page + "?" + encoded }, // a template would escape encoded once more
		"root":    func() string { return root },
		"version": func() string { return fmt.Sprintf("%x", version[:6]) },
		"num":     num,
		"plural":  plural,
		"percent": func(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" },
		"answer":  func(p *mapping.Page) string { return intake.Answer(p) },
		"whole":   func(p *mapping.Page) string { return intake.Whole(p) },
		"words":   func(list []string) string { return strings.Join(list, ", ") },
		"reason": func(status any) string {
			n, _ := strconv.Atoi(fmt.Sprint(status)) // a status it is
			return http.StatusText(n)
		},
		"rfc":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"exact": func(t time.Time) string { return t.UTC().Format("Monday, 2006-01-02 15:04:05") + " UTC" },
		"short": func(t time.Time) string {
			if now().Sub(t) < 12*time.Hour {
				return t.UTC().Format("15:04") + " UTC"
			}
			return t.UTC().Format(time.DateOnly)
		},
		"clip": func(n int, s string) string {
			if r := []rune(s); len(r) > n {
				return string(r[:n]) + "\u2026"
			}
			return s
		},
		"faultName": faultName,
		"pair":      func(a, b any) [2]any { return [2]any{a, b} },
	}
	layout, err := template.New("layout.html").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, e := range names {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "templates/"+e.Name())
		}
		if err != nil {
			return nil, err
		}
		v.pages[name] = t
	}
	return v, nil
}

func (v *views) draw(w io.Writer, name string, f frame) error {
	t := v.pages[name]
	if t == nil {
		return fmt.Errorf("admin: there is no template %q", name)
	}
	return t.Execute(w, f)
}

// to is the address of a page of the admin page: names and values of its query follow,
// of which empty ones are left out.
func (v *views) to(page string, query ...any) string {
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if value := fmt.Sprint(query[i+1]); value != "" && value != "0" && value != "false" {
			q.Set(fmt.Sprint(query[i]), value)
		}
	}
	address := v.root + page
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address
}

// num writes a number with thin spaces between thousands.
func num(n any) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return sign + text
}

// plural is a number with its noun.
func plural(n any, one, many string) string {
	if fmt.Sprint(n) == "1" {
		return "1 " + one
	}
	return num(n) + " " + many
}

// faultNames are the kinds of faults, as a list shows them.
var faultNames = map[string]string{
	"loop": "loop", "deep": "chain too long", "bad": "bad row", "dead": "target missing", "vanished": "file missing", "twins": "twin",
	"hidden": "hides a file", "chain": "chain", "unreached": "file unreached", "unrecorded": "file without a row", "replaced": "replaces a file",
	"external": "other site dead", "young": "young redirect",
}

func faultName(kind string) string {
	if name := faultNames[kind]; name != "" {
		return name
	}
	return kind
}

// static sends the style sheet and the script.
func (a *Admin) static(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}[path.Ext(name)]
	text, err := files.ReadFile("static/" + name)
	if err != nil || kind == "" {
		return errNotHere
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text) // who asked may have gone
	return nil
}
