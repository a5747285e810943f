// What the tests share: a site over a real database, and a user who asks.

package admin

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"pagemap/fcgi/explain"
	"pagemap/fcgi/site"
	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/populate"
	"pagemap/mapping/postgres"
	"pagemap/mapping/postgres/pgtest"
	"pagemap/mapping/tree"
	"pagemap/render"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// secret is what the tests' web server sends along.
const secret = "only the admin location has it"

// world is a site with an admin page.
type world struct {
	t     testing.TB
	dsn   string
	db    *postgres.DB
	admin *Admin
	o     Options
}

// envKey is where a test's request has the parameters of its web server.
type envKey struct{}

var hosts = mapping.Hosts{"www.example.org"}

// newWorld makes a site of files and of rows as "/a 301 /b".
func newWorld(t testing.TB, files map[string]string, lines ...string) *world {
	t.Helper()
	dsn := pgtest.Database(t)
	db, err := postgres.Open(postgres.Options{DSN: dsn, Hosts: hosts, IndexNames: []string{"index.html"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := tree.Open(dir, tree.Options{IndexNames: []string{"index.html"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	rows, _, err := populate.Rows(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.AddFiles(t.Context(), postgres.ChangeSet{Author: "crawl", Origin: mapping.OriginPopulate}, rows); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dsn: dsn, db: db}
	w.write(lines...)
	w.start(tr)
	return w
}

// start starts the admin page over what the database has by now.
func (w *world) start(tr *tree.Tree) {
	t := w.t
	f := postgres.NewFollower(w.db, postgres.FollowerOptions{Listen: true, Poll: 100 * time.Millisecond})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = f.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	types := mapping.DefaultTypes()
	s, err := site.New(site.Options{
		Table: f.Table, Files: tr, IndexNames: []string{"index.html"}, Hosts: hosts, Types: types, Pages: explain.Undrawn{},
		Sources: map[mapping.SourceKind]render.Source{
			mapping.SourceFile: render.NewFiles(tr, types, render.FileOptions{}),
			mapping.SourceWiki: render.Unavailable("no wiki"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.o = Options{
		DB: w.db, IndexNames: []string{"index.html"}, Site: "https://www.example.org", Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		Gate: &Front{
			Env: func(r *http.Request) map[string]string {
				env, _ := r.Context().Value(envKey{}).(map[string]string)
				return env
			},
			Secret: secret, Editors: []string{"maria", "ivo"}, Readers: []string{"nora"},
		},
		Explain: &explain.Explainer{
			Handler: s, Table: f.Table, DB: w.db, Files: tr, Types: types, Hosts: hosts,
			Resolver: func(context.Context) (mapping.Resolver, error) {
				return mapping.Resolver{Rows: f.Table(), Files: tr, IndexNames: []string{"index.html"}, Hosts: hosts}, nil
			},
		},
		Check: check.Options{Tree: tr, IndexNames: []string{"index.html"}, Hosts: hosts},
		Await: func(ctx context.Context, number int64) {
			for f.Health().Number < number && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		},
	}
	if w.admin, err = New(w.o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.admin.Close)
}

// page is a row that a person writes as "/a 301 /b".
func page(t testing.TB, line string) mapping.Page {
	t.Helper()
	parts := append(strings.SplitN(line, " ", 3), "")
	status := map[string]uint16{"200": 200, "301": 301, "302": 302, "404": 404, "410": 410}[parts[1]]
	p, err := hosts.Clean(mapping.Page{Row: mapping.Row{Pattern: parts[0], Status: status, Source: parts[2], Origin: mapping.OriginCLI}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write writes rows by hand, as one change-set.
func (w *world) write(lines ...string) {
	w.t.Helper()
	var edits []postgres.Edit
	for _, line := range lines {
		if pattern, ok := strings.CutPrefix(line, "rm "); ok {
			edits = append(edits, postgres.Edit{Pattern: pattern})
			continue
		}
		p := page(w.t, line)
		edits = append(edits, postgres.Edit{Pattern: p.Pattern, Page: &p})
	}
	if len(edits) == 0 {
		return
	}
	result, err := w.db.Write(w.t.Context(), postgres.ChangeSet{Author: "shell", Origin: mapping.OriginCLI, Note: "by hand"}, edits)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.o.Await != nil {
		w.o.Await(w.t.Context(), result.LastChange)
	}
}

// answer is what a request got.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	doc    *html.Node
}

// ask sends a request of a user, "" for nobody.
func (w *world) ask(user, method, path string, form url.Values, header ...string) *answer {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "https://www.example.org"+DefaultPath+path, body)
	r.RequestURI = DefaultPath + path
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return w.send(user, r, header...)
}

func (w *world) send(user string, r *http.Request, header ...string) *answer {
	w.t.Helper()
	if user != "" {
		r = r.WithContext(context.WithValue(r.Context(), envKey{}, map[string]string{"REMOTE_USER": user, SecretName: secret}))
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.admin.ServeHTTP(rec, r)
	a := &answer{t: w.t, status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	var err error
	if a.doc, err = html.Parse(strings.NewReader(a.body)); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// get gets a page as maria, which must be there.
func (w *world) get(path string, header ...string) *answer {
	w.t.Helper()
	a := w.ask("maria", "GET", path, nil, header...)
	if a.status != 200 {
		w.t.Fatalf("GET %s: %d\n%s", path, a.status, a.text())
	}
	return a
}

// post posts a form as maria, and follows to where it is sent.
func (w *world) post(path string, form url.Values) *answer {
	w.t.Helper()
	a := w.ask("maria", "POST", path, form, "Origin", "https://www.example.org")
	return w.follow(path, a)
}

func (w *world) follow(path string, a *answer) *answer {
	w.t.Helper()
	if a.status != http.StatusSeeOther {
		w.t.Fatalf("POST %s: %d\n%s", path, a.status, a.text())
	}
	var header []string
	for _, c := range a.cookies() {
		header = append(header, "Cookie", c.Name+"="+c.Value)
	}
	return w.get(strings.TrimPrefix(a.header.Get("Location"), DefaultPath), header...)
}

// upload posts a file as maria.
func (w *world) upload(name, content string, form url.Values) *answer {
	w.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	part, err := m.CreateFormFile("file", name)
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	for key, values := range form {
		_ = m.WriteField(key, values[0])
	}
	_ = m.Close()
	r := httptest.NewRequest("POST", "https://www.example.org"+DefaultPath+"import", &body)
	r.RequestURI = DefaultPath + "import"
	r.Header.Set("Content-Type", m.FormDataContentType())
	return w.follow("import", w.send("maria", r, "Origin", "https://www.example.org"))
}

// row is a row as the database has it, in words; "" where there is none.
func (w *world) row(pattern string) string {
	p, err := w.db.Page(w.t.Context(), pattern)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(strings.Join([]string{http.StatusText(int(p.Status)), p.Source, p.Origin.String(), strings.Join(p.Tags, "+")}, " ")), " ")
}

// cookies are those that it sets.
func (a *answer) cookies() []*http.Cookie { return (&http.Response{Header: a.header}).Cookies() }

var blanks = regexp.MustCompile(`\s+`)

// text is the visible text.
func (a *answer) text() string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(a.doc)
	return blanks.ReplaceAllString(b.String(), " ")
}

// says fails unless the visible text has every part.
func (a *answer) says(parts ...string) *answer {
	a.t.Helper()
	text := a.text()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			a.t.Errorf("it does not say %q:\n%s", p, text)
		}
	}
	return a
}

// silent fails if the visible text has one of the parts.
func (a *answer) silent(parts ...string) *answer {
	a.t.Helper()
	for _, p := range parts {
		if strings.Contains(a.text(), p) {
			a.t.Errorf("it says %q:\n%s", p, a.text())
		}
	}
	return a
}

// form is what the form with this id would send if the button of this value were pressed.
func (a *answer) form(id, button string) url.Values {
	a.t.Helper()
	v := url.Values{}
	found := false
	var walk func(n *html.Node, inside bool)
	walk = func(n *html.Node, inside bool) {
		if n.Type == html.ElementNode {
			attr := func(name string) string {
				for _, at := range n.Attr {
					if at.Key == name {
						return at.Val
					}
				}
				return "\x00"
			}
			if n.Data == "form" && attr("id") == id {
				inside, found = true, true
			}
			name := attr("name")
			switch {
			case !inside || name == "\x00":
			case n.Data == "input" && (attr("type") == "checkbox" || attr("type") == "radio"):
				if attr("checked") != "\x00" {
					v.Add(name, attr("value"))
				}
			case n.Data == "input":
				v.Add(name, strings.Trim(attr("value"), "\x00"))
			case n.Data == "textarea":
				if n.FirstChild != nil {
					v.Add(name, n.FirstChild.Data)
				}
			case n.Data == "select":
				v.Add(name, selected(n))
			case n.Data == "button" && attr("value") == button:
				v.Add(name, button)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, inside)
		}
	}
	walk(a.doc, false)
	if !found {
		a.t.Fatalf("there is no form %q:\n%s", id, a.text())
	}
	return v
}

// selected is the value of a select's chosen option.
func selected(n *html.Node) string {
	first, chosen := "", ""
	for o := n.FirstChild; o != nil; o = o.NextSibling {
		if o.Data != "option" {
			continue
		}
		value := ""
		if o.FirstChild != nil {
			value = o.FirstChild.Data
		}
		is := false
		for _, at := range o.Attr {
			if at.Key == "value" {
				value = at.Val
			}
			is = is || at.Key == "selected"
		}
		if first == "" {
			first = value
		}
		if is {
			chosen = value
		}
	}
	if chosen != "" {
		return chosen
	}
	return first
}
