package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

var index = []string{"index.html", "index.htm"}

// table makes a table of rows of the form "origin status pattern source"; those of
// "raw" are not cleaned.
func table(t testing.TB, lines ...string) *mapping.Table {
	t.Helper()
	var rows []mapping.Row
	for i, line := range lines {
		line, raw := strings.CutPrefix(line, "raw ")
		f := strings.SplitN(line, " ", 4)
		row := mapping.Row{Pattern: f[2], Change: int64(i + 1)}
		var err error
		if row.Origin, err = mapping.ParseOrigin(f[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(f[1], &row.Status); err != nil {
			t.Fatal(err)
		}
		if len(f) > 3 {
			row.Source = f[3]
		}
		if !raw {
			page, err := mapping.Hosts{"www.example.org"}.Clean(mapping.Page{Row: row})
			if err != nil {
				t.Fatal(err)
			}
			row = page.Row
		}
		rows = append(rows, row)
	}
	return mapping.NewTable(slices.Values(rows))
}

// files makes a tree; names that end in "->" and a target are symlinks.
func files(t testing.TB, names ...string) *tree.Tree {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		name, target, link := strings.Cut(name, "->")
		name, text, _ := strings.Cut(name, "=")
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(file, []byte(text), 0o644)
		if link {
			err = errors.Join(os.Remove(file), os.Symlink(target, file))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	files, err := tree.Open(root, tree.Options{IndexNames: index})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return files
}

// findings runs the checks; each finding is one line: kind, path, detail, command.
func findings(t *testing.T, o Options) []string {
	t.Helper()
	o.IndexNames, o.Hosts = index, mapping.Hosts{"www.example.org"}
	var lines []string
	report, err := Run(t.Context(), o, func(f Finding) error {
		lines = append(lines, fmt.Sprintf("%s %s: %s [%s]", f.Kind, f.Path, f.Detail, f.Command))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Total() != len(lines) || report.Rows != o.Table.Len() {
		t.Errorf("%+v, but %d findings and %d rows", report, len(lines), o.Table.Len())
	}
	return lines
}

func TestCheck(t *testing.T) {
	hops := []string{"cli 200 /hop11 wiki:End"}
	for i := range 11 {
		hops = append(hops, fmt.Sprintf("cli 301 /hop%d /hop%d", i, i+1))
	}
	for _, test := range []struct {
		name  string
		rows  []string
		files []string // nil: no tree
		kinds []Kind
		want  []string // how the findings begin
	}{
		{
			name:  "nothing wrong",
			rows:  []string{"populate 200 / file:/index.html", "populate 200 /a.html file:/a.html", "cli 301 /old /a.html", "cli 301 /o/* /d/*", "cli 301 /away https://h.example/", "cli 410 /gone", "cli 200 /w/* wiki:W/*", "populate 200 /d/x file:/d/x"},
			files: []string{"index.html", "a.html", "d/x", ".hidden", "old~"},
		},
		{
			name: "loops",
			rows: []string{"cli 301 /a /b", "cli 301 /b /a", "cli 302 /s /s/", "cli 301 /x/* /y/*", "cli 301 /y/* /x/*"},
			want: []string{"loop /a: /a -> /b -> and back again [pagemapctl page set /a 410]", "loop /b: ", "loop /s: ", "loop /x/*: ", "loop /y/*: "},
		},
		{
			name:  "too deep, and chains",
			rows:  hops,
			kinds: []Kind{Deep, Chain},
			want: []string{
				"deep /hop0: more than 10 redirects: /hop0 -> /hop1", "chain /hop1: 10 redirects, answered as one: /hop1 -> ",
				"chain /hop2", "chain /hop3", "chain /hop4", "chain /hop5", "chain /hop6", "chain /hop7", "chain /hop8",
				"chain /hop9: 2 redirects, answered as one: /hop9 -> /hop10 -> /hop11 [pagemapctl page set /hop9 301 /hop11]",
			},
		},
		{
			name: "chains of prefix rows",
			rows: []string{"cli 301 /old/* /mid/*", "cli 302 /mid/* /new/*", "cli 200 /new/x wiki:X", "cli 301 /z/* /mid/x"},
			want: []string{
				"chain /old/*: 2 redirects, answered as one: /old/* -> /mid/* -> /new/* [pagemapctl page set '/old/*' 302 '/new/*']",
				"chain /z/*: 2 redirects",
			},
		},
		{
			name:  "dead ends",
			rows:  []string{"cli 301 /to404 /never", "cli 404 /never", "cli 301 /to410 /gone", "cli 410 /gone", "cli 301 /tonothing /nothing", "cli 301 /tovanished /v", "populate 200 /v file:/v", "cli 302 /tocase /Page#x", "cli 301 /p/* /empty/*", "cli 301 /todata /data/no.zip", "cli 301 /todata2 /data/page", "cli 301 /towiki /wiki/x", "cli 301 /q?id=1 /nothing?x", "cli 301 /elsewhere/* /wiki/*"},
			files: []string{"page"},
			kinds: []Kind{Dead},
			want: []string{
				"dead /p/*: /empty/ is answered by no row and no file here", "dead /q?id=1: /nothing?x is answered", "dead /to404: ends in a row that says 404: /to404", "dead /to410: ends in a row that says 410", "dead /todata: /data/no.zip is a file that the tree does not serve",
				"dead /tonothing: /nothing is answered by no row and no file here [pagemapctl page set /tonothing 410]", "dead /tovanished: /v is a page whose file has vanished",
			},
		},
		{
			name:  "vanished",
			rows:  []string{"populate 200 /v file:/v", "cli 200 /m file:/gone.html", "cli 200 /f/* file:/none/*", "cli 200 /g/* file:/dir/*", "cli 200 /d file:/dir", "cli 200 /secret file:/priv/secret"},
			files: []string{"dir/x", "priv/.htaccess=Require ip 10\n", "priv/secret"},
			kinds: []Kind{Vanished},
			want: []string{
				"vanished /d: /dir is a directory now", "vanished /f/*: the tree has no directory /none/", "vanished /m: the tree has no file /gone.html [pagemapctl page set /m 410]",
				"vanished /secret: /priv/secret is not served: restricted by .htaccess (/priv/.htaccess line 1", "vanished /v: the tree has no file /v [pagemapctl populate --prune]",
			},
		},
		{
			name: "bad rows",
			rows: []string{"raw cli 301 /a //evil.example", "raw cli 307 /b /c", "raw cli 200 /c javascript:1", "raw cli 301 bad /x"},
			want: []string{"bad /a: ", "bad /b: ", "bad /c: ", "bad bad: "},
		},
		{
			name:  "twins",
			rows:  []string{"cli 200 /a wiki:A", "cli 200 /A wiki:B", "cli 301 /s /x", "cli 301 /s/ /y", "cli 200 /x wiki:X", "cli 200 /y wiki:Y", "cli 301 /same /x", "cli 301 /same/ /x", "populate 200 /Tree file:/Tree", "populate 200 /tree file:/tree", "cli 200 /i/ wiki:I", "cli 410 /i/index.html", "populate 200 /j/ file:/j/index.html", "cli 200 /j/index.html wiki:J", "cli 410 /", "cli 200 /index.html wiki:Home", "cli 200 /page?a=1 wiki:Q", "cli 410 /Page"},
			kinds: []Kind{Twins},
			want: []string{
				"twins /: /: 410; /index.html: wiki:Home [pagemapctl page rm /index.html]", "twins /A: /A: wiki:B; /a: wiki:A [pagemapctl page rm /A]",
				"twins /i/: /i/: wiki:I; /i/index.html: 410", "twins /s: /s: wiki:X; /s/: wiki:Y",
			},
		},
		{
			name:  "files",
			rows:  []string{"cli 410 /gone.html", "cli 301 /moved.html /a.html", "cli 200 /wiki.html wiki:W", "cli 200 /docs/* wiki:D/*", "cli 200 /copy file:/wiki.html", "populate 200 /a.html file:/a.html", "cli 410 /d/"},
			files: []string{"gone.html", "moved.html", "wiki.html", "docs/it's.html", "a.html", "new.html", "d/index.html", "run.php", "out->/etc/passwd", "in->a.html", ".git/x", "a.html~", "tab\tname"},
			kinds: []Kind{Hidden, Replaced, Unrecorded, Unreached},
			want: []string{
				"hidden /d/: the row /d/ answers 410 [pagemapctl page rm /d/]",
				"hidden /docs/it's.html: the row /docs/* answers 200 wiki:D/it's.html [pagemapctl page set '/docs/it'\\''s.html' 200 'file:/docs/it'\\''s.html']",
				"hidden /gone.html: the row /gone.html answers 410",
				"unrecorded /in: answers, but has no row yet [pagemapctl populate]",
				"hidden /moved.html: the row /moved.html answers 301 /a.html",
				"unrecorded /new.html",
				"unreached /out: symlink out of the tree",
				"unreached /run.php: program source [pagemapctl page set /run.php 410]",
				`unreached "tab\tname": name that no URL can spell [mv -- `,
				"replaced /wiki.html: the row /wiki.html answers 200 wiki:W; another row draws the file [pagemapctl page rm /wiki.html]",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Table: table(t, test.rows...), Kinds: test.kinds, Elsewhere: []mapping.Path{"/wiki"}}
			if test.files != nil {
				o.Tree = files(t, test.files...)
			}
			got := findings(t, o)
			for i := range max(len(got), len(test.want)) {
				if i >= len(got) || i >= len(test.want) || !strings.HasPrefix(got[i], test.want[i]) {
					t.Fatalf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
				}
			}
		})
	}
}

// TestSuggestedCommands: what is set as suggested answers as before, and is a chain no more.
func TestSuggestedCommands(t *testing.T) {
	rows := []string{"cli 301 /a /b", "cli 302 /b /c", "cli 301 /c /d?x=1", "cli 200 /d wiki:D", "cli 301 /old/* /mid/*", "cli 301 /mid/* /d"}
	before := table(t, rows...)
	o := Options{Table: before, IndexNames: index}
	var changes []mapping.Change
	if _, err := Run(t.Context(), o, func(f Finding) error {
		if f.Kind != Chain {
			t.Errorf("%+v", f)
		}
		words := strings.Fields(strings.ReplaceAll(f.Command, "'", ""))
		if words[1] != "page" {
			return nil
		}
		row := mapping.Row{Pattern: words[3], Source: words[5], Origin: mapping.OriginCLI}
		fmt.Sscan(words[4], &row.Status)
		changes = append(changes, mapping.Change{Pattern: row.Pattern, Row: &row})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	after := before.Apply(changes)
	for _, target := range []mapping.Target{{Path: "/a", Clean: true}, {Path: "/b", Clean: true}, {Path: "/old/x", Clean: true}} {
		x, y := mapping.Resolver{Rows: before}, mapping.Resolver{Rows: after}
		if a, b := x.Resolve(target), y.Resolve(target); a.Status != b.Status || a.Location != b.Location {
			t.Errorf("%s: %d %s, after the command %d %s", target.Path, a.Status, a.Location, b.Status, b.Location)
		}
	}
	o.Table = after
	if _, err := Run(t.Context(), o, func(f Finding) error {
		if f.Path != "/old/*" { // leads to /d?x=1 by one row alone
			t.Errorf("after the commands: %+v", f)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestExternal(t *testing.T) {
	var heads, gets, busy, most atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := busy.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer busy.Add(-1)
		if r.Method == http.MethodHead {
			heads.Add(1)
		} else {
			gets.Add(1)
		}
		if r.UserAgent() != "pagemapctl-check (+https://www.example.org/)" {
			t.Errorf("User-Agent %q", r.UserAgent())
		}
		switch r.URL.Path {
		case "/nohead":
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusMovedPermanently)
		case "/tolost":
			http.Redirect(w, r, "/lost", http.StatusFound)
		case "/ok", "/base/":
		case "/login":
			w.WriteHeader(http.StatusUnauthorized)
		case "/slow":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	server := httptest.NewServer(handler)
	defer server.Close()
	rows := []string{"cli 301 /local https://www.example.org/x", "cli 301 /refused http://127.0.0.1:1/x", "cli 301 /refused2 http://127.0.0.1:1/x", "cli 301 /nowhere http://nowhere.invalid/"}
	for _, path := range []string{"nohead", "moved", "tolost", "ok", "lost", "login", "slow"} {
		rows = append(rows, "cli 301 /"+path+" "+server.URL+"/"+path)
	}
	rows = append(rows, "cli 301 /pre/* "+server.URL+"/base/*", "cli 302 /again "+server.URL+"/ok#part")
	o := Options{Table: table(t, rows...), Kinds: []Kind{External}}

	// Without the kind, or without a prober, nobody is asked.
	findings(t, Options{Table: o.Table})
	findings(t, o)
	if heads.Load()+gets.Load() != 0 {
		t.Error("asked without being told to")
	}

	o.External = NewProber(ProberOptions{Pause: -1})
	for _, line := range findings(t, o) {
		if !strings.Contains(line, "not a public address") && !strings.Contains(line, "nowhere.invalid") {
			t.Errorf("private addresses: %s", line)
		}
	}
	if heads.Load()+gets.Load() != 0 {
		t.Error("asked at a private address that nobody named")
	}

	o.External = NewProber(ProberOptions{Pause: -1, Timeout: 300 * time.Millisecond, AllowHosts: []string{"127.0.0.1"}, UserAgent: "pagemapctl-check (+https://www.example.org/)"})
	got := findings(t, o)
	want := []string{"external /refused: http://127.0.0.1:1/x ", "external /lost: " + server.URL + "/lost answers 404 Not Found [pagemapctl page set /lost 410]", "external /slow: ", "external /tolost: ", "external /nowhere: "}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if !strings.Contains(got[0], "(2 rows lead there)") {
		t.Error(got[0])
	}
	if most.Load() != 1 {
		t.Errorf("%d requests to one host at a time", most.Load())
	}
}

func TestExternalPauseAndGiveUp(t *testing.T) {
	p := NewProber(ProberOptions{Pause: 30 * time.Millisecond})
	var targets []*target
	for range 5 {
		targets = append(targets, &target{url: "http://127.0.0.1:1/x"})
	}
	start, asked := time.Now(), 0
	p.host(t.Context(), targets, func() { asked++ })
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("three requests in %s: no pause", took)
	}
	if asked != 5 || targets[4].why == "" {
		t.Errorf("%d told of, the last one dead because %q", asked, targets[4].why)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	o := Options{Table: table(t, "cli 301 /a http://127.0.0.1:1/"), Kinds: []Kind{External}, External: p}
	if _, err := Run(ctx, o, func(Finding) error { return nil }); err == nil || err.Error() != "interrupted" {
		t.Errorf("a cancelled run: %v", err)
	}
	wrong := errors.New("no space left")
	o = Options{Table: table(t, "cli 301 /a /nowhere")}
	if _, err := Run(t.Context(), o, func(Finding) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("a finding that could not be told: %v", err)
	}
}
