package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logLine is a line of an access log, some minutes ago.
func logLine(ago int, method, target string, status int, referrer string) string {
	at := time.Now().UTC().Add(-time.Duration(ago) * time.Minute).Format("02/Jan/2006:15:04:05 -0700")
	return fmt.Sprintf("192.0.2.%d - - [%s] \"%s %s HTTP/1.1\" %d 123 \"%s\" \"test\"\n", ago%250, at, method, target, status, referrer)
}

// populated is a site with its rows, of which some are made.
func populated(t *testing.T) *site {
	t.Helper()
	s := newSite(t, files)
	s.run(0, "migrate")
	s.run(0, "populate")
	s.runWith("path,status,source\n/moved/*,301,/docs/*\n/gone.html,410,\n/never.html,404,\n/show?id=7,301,/about.html\n", "page", "set", "-")
	return s
}

// writeLog writes a log file, with gzip where its name ends so.
func writeLog(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	b := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b = z.Bytes()
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// accounted fails unless every line of a report of hits import is accounted for.
func accounted(t *testing.T, out string) []logReport {
	t.Helper()
	var reports []logReport
	if err := json.Unmarshal([]byte(out), &reports); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, r := range reports {
		if sum := r.Hits + r.Misses + r.Known + r.NotPages + r.Elsewhere + r.TooOld + r.Later + r.Bad; sum != r.Lines {
			t.Errorf("%d of %d lines are accounted for: %+v", sum, r.Lines, r)
		}
	}
	return reports
}

func TestHitsImport(t *testing.T) {
	s := populated(t)
	if r := s.run(0, "hits"); r.out != "" || !strings.Contains(r.err, "hits import") {
		t.Errorf("hits before any: %+v", r)
	}
	contains(t, s.run(1, "hits", "/about.html").err, "/about.html")
	beginning := strings.Join([]string{
		logLine(90, "GET", "/about.html", 200, "-"),
		logLine(90, "GET", "/about.html", 200, "-"), // twice in one second counts twice
		logLine(89, "GET", "/about.html?utm=1", 304, "-"),
		logLine(88, "HEAD", "/ABOUT.html", 404, "-"), // today a spelling of the page
		logLine(87, "GET", "/docs/a b.html", 200, "-"),
		logLine(86, "GET", "/moved/x.html", 301, "-"),
		logLine(85, "GET", "/index.html", 200, "-"),
		logLine(84, "GET", "/show?id=7&x=1", 200, "-"),
		logLine(83, "GET", "/gone.html", 410, "-"),
		logLine(82, "GET", "/never.html", 404, "-"),
		logLine(81, "GET", "/abuot.html", 200, "https://www.example.org/docs/?secret"), // lost with the move
		logLine(80, "GET", "/lost.html", 404, "https://search.example/q"),
		logLine(79, "GET", "/wp-login.php", 404, "-"),
		logLine(78, "POST", "/about.html", 405, "-"),
		logLine(77, "GET", "/old/secret.html", 403, "-"),
		logLine(76, "GET", "/data/files/tool.zip", 200, "-"),
		"www.example.org:80 " + logLine(75, "GET", "/about.html", 200, "-"),
		"other.example:80 " + logLine(74, "GET", "/about.html", 200, "-"),
		logLine(73, "GET", "*", 200, "-"),
		logLine(500*24*60, "GET", "/about.html", 200, "-"),
		logLine(-3*24*60, "GET", "/about.html", 200, "-"),
		"something else entirely\n",
	}, "")
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	first := writeLog(t, "access.log", beginning)
	r := accounted(t, s.run(0, "hits", "import", "--json", "--until", tomorrow, first).out)[0]
	if r.Lines != 22 || r.Hits != 11 || r.Misses != 3 || r.Known != 0 || r.NotPages != 4 || r.Elsewhere != 1 || r.TooOld != 1 || r.Later != 1 || r.Bad != 1 {
		t.Errorf("import: %+v", r)
	}
	if len(r.Examples) != 1 || !strings.Contains(r.Examples[0], "line 22") || !strings.Contains(r.Examples[0], "something else") {
		t.Errorf("examples: %q", r.Examples)
	}

	// Again, compressed, on standard input, and grown.
	grown := writeLog(t, "access.log.1.gz", beginning+logLine(10, "GET", "/about.html", 200, "-"))
	reports := accounted(t, s.run(0, "hits", "import", "--json", "--until", tomorrow, first, grown, first).out)
	if reports[0].Known != 14 || reports[1].Known != 14 || reports[1].Hits != 1 || reports[2].Hits+reports[2].Misses != 0 {
		t.Errorf("import of the same: %+v", reports)
	}
	if r := s.runWith(beginning, "hits", "import", "--until", tomorrow, "-"); r.code != 0 || !strings.Contains(r.out, "-: 22 lines: 0 hits, 0 misses, 14 known") {
		t.Errorf("import of standard input: %+v", r)
	}

	want := []string{"/about.html 6", "/ 1", "/docs/a%20b.html 1", "/gone.html 1", "/moved/* 1", "/never.html 1", "/show?id=7 1"}
	var got []string
	for line := range strings.Lines(s.run(0, "hits").out) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		got = append(got, f[3]+" "+f[0])
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("hits %q\nwant %q", got, want)
	}
	var top struct {
		Path   string
		Hits   int
		Status int
		Last   time.Time
	}
	if err := json.Unmarshal([]byte(s.run(0, "hits", "--json", "--limit", "1").out), &top); err != nil || top.Path != "/about.html" || top.Hits != 6 || top.Status != 200 || time.Since(top.Last) > time.Hour {
		t.Errorf("hits --json: %+v, %v", top, err)
	}
	if out := s.run(0, "hits", "--never").out; out != "0\tnever\t200\t/files/tool.zip\n" {
		t.Errorf("hits --never: %q", out)
	}
	var days []struct{ Hits int }
	if err := json.Unmarshal([]byte(s.run(0, "hits", "--json", "/about.html").out), &days); err != nil || len(days) == 0 || len(days) > 2 {
		t.Errorf("hits /about.html: %+v, %v", days, err)
	}
	contains(t, s.run(0, "hits", "/about.html").out, time.Now().UTC().Add(-10*time.Minute).Format(time.DateOnly))

	for _, tt := range []struct {
		name string
		code int
		args []string
		want string
	}{
		{"no such log", 3, []string{"/nonexistent.log"}, "/nonexistent.log"},
		{"no access log", 3, []string{writeLog(t, "error.log", "AH0055\nAH0056\n")}, "no line could be read"},
		{"cut short", 3, []string{truncated(t, grown)}, "unexpected EOF"},
		{"bad day", 2, []string{"--until", "yesterday", first}, "yesterday"},
		{"nothing kept", 2, []string{"--traffic-days", "0", first}, "traffic-days"},
	} {
		contains(t, s.run(tt.code, append([]string{"hits", "import"}, tt.args...)...).err, tt.want)
	}
}

// truncated is a copy of a file that lacks its last bytes.
func truncated(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return writeLog(t, "cut.log", string(b[:len(b)-9]))
}

func TestMisses(t *testing.T) {
	s := populated(t)
	if out := s.run(0, "misses").out; out != "" {
		t.Errorf("misses before any: %q", out)
	}
	log := ""
	for i := range 3 {
		log += logLine(20+i, "GET", "/lost.html", 404, "https://search.example/q")
	}
	log += logLine(10, "GET", "/abuot.html", 200, "https://www.example.org/docs/?secret") +
		logLine(9, "GET", "/files/tool.zip.sig", 404, "-") + logLine(8, "GET", "/blog/xmlrpc.php", 404, "-")
	s.run(0, "hits", "import", writeLog(t, "access.log", log))
	out := s.run(0, "misses").out
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "1\t") || !strings.Contains(lines[0], "www.example.org (own)\t/abuot.html\t/about.html (") ||
		!strings.HasPrefix(lines[1], "3\t") || !strings.Contains(lines[1], "search.example\t/lost.html\t-") || strings.Contains(out, "secret") {
		t.Errorf("misses:\n%s", out)
	}
	var miss missJSON
	if err := json.Unmarshal([]byte(s.run(0, "misses", "--own", "--json").out), &miss); err != nil || miss.Path != "/abuot.html" || !miss.Own || len(miss.Suggestions) == 0 || miss.Suggestions[0].URL != "/about.html" {
		t.Errorf("misses --own --json: %+v, %v", miss, err)
	}
	if out := s.run(0, "misses", "--limit", "1").out; strings.Count(out, "\n") != 1 {
		t.Errorf("misses --limit 1:\n%s", out)
	}

	// What answers by now is left out, and comes back with what took it away.
	s.run(0, "page", "set", "/lost.html", "301", "/about.html")
	if out := s.run(0, "misses").out; strings.Contains(out, "/lost.html") {
		t.Errorf("misses lists what answers:\n%s", out)
	}
	s.run(0, "page", "rm", "/lost.html")
	contains(t, s.run(0, "misses").out, "/lost.html")

	contains(t, s.run(0, "misses", "map", "https://www.example.org/abuot.html", "/about.html", "-m", "a slip").out, "1 added")
	contains(t, s.run(0, "page", "get", "/abuot.html").out, "301", "/about.html", "by maria")
	contains(t, s.run(0, "misses", "map", "--temporary", "/today", "/about.html").out, "1 added")
	contains(t, s.run(0, "page", "get", "/today").out, "302")
	contains(t, s.run(0, "misses", "gone", "/lost.html", "/lost2.html").out, "2 added")
	contains(t, s.run(1, "explain", "/lost.html").out, "410 Gone")
	contains(t, s.run(3, "misses", "map", "/l1", "/l1/").err, "loop")
	s.run(0, "page", "rm", "/lost.html", "/abuot.html") // their misses are forgotten for good
	contains(t, s.run(0, "misses", "ignore", "*.SIG").out, "1 misses dropped")
	if out := s.run(0, "misses").out; out != "" {
		t.Errorf("misses after all are settled:\n%s", out)
	}

	contains(t, s.run(0, "misses", "ignore").out, "maria\t", "\t*.SIG\n", "pagemap\t", "\t*/xmlrpc.php\n")
	var ignores []ignoreJSON
	if err := json.Unmarshal([]byte(s.run(0, "misses", "ignore", "--json").out), &ignores); err != nil || len(ignores) < 50 {
		t.Errorf("misses ignore --json: %d, %v", len(ignores), err)
	}
	s.run(0, "misses", "ignore", "--remove", "*.SIG")
	contains(t, s.run(1, "misses", "ignore", "--remove", "*.SIG").err, "*.SIG")
	if out := s.run(0, "misses", "ignore").out; strings.Contains(out, "*.SIG") {
		t.Error("a removed pattern is still ignored")
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"everything", []string{"ignore", "/*"}, "every path"},
		{"no path", []string{"ignore", "a.php"}, "a.php"},
		{"remove what", []string{"ignore", "--remove"}, "PATTERN"},
		{"bad target", []string{"map", "/x", "//evil.example"}, "//evil.example"},
		{"other host", []string{"gone", "https://other.example/a"}, "other.example"},
	} {
		contains(t, s.run(2, append([]string{"misses"}, tt.args...)...).err, tt.want)
	}
}

// A miss of a row whose file has vanished is one.
func TestMissOfVanishedFile(t *testing.T) {
	s := populated(t)
	if err := os.Remove(filepath.Join(s.tree, "about.html")); err != nil {
		t.Fatal(err)
	}
	db := s.env["PAGEMAP_DATABASE"]
	sqlExec(t, db, `INSERT INTO pagemap.misses VALUES ('/about.html', 2, now(), now(), '', false), ('/index.html', 1, now(), now(), '', false)`)
	out := s.run(0, "misses").out
	if !strings.Contains(out, "\t/about.html\t") || strings.Contains(out, "/index.html") {
		t.Errorf("misses:\n%s", out)
	}
}

// Commands of traffic whose output is lost fail, and all have examples.
func TestTrafficCommands(t *testing.T) {
	s := populated(t)
	s.run(0, "hits", "import", writeLog(t, "access.log", logLine(9, "GET", "/about.html", 200, "-")+logLine(8, "GET", "/lost.html", 404, "-")))
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{
		"hits", "hits --json", "hits --never", "hits /about.html", "hits import " + writeLog(t, "empty.log", ""), "misses", "misses --json",
		"misses ignore", "misses ignore --json", "misses ignore *.php", "misses gone /lost.html", "warm --dry-run",
	} {
		var text bytes.Buffer
		code := run(t.Context(), strings.Fields(args), func(k string) string { return s.env[k] }, streams{strings.NewReader(""), full, &text})
		if code != 3 || !strings.Contains(text.String(), "no space left") {
			t.Errorf("%s: exit code %d: %s", args, code, &text)
		}
	}
	for _, cmd := range []string{"hits", "hits import", "misses", "misses map", "misses gone", "misses ignore", "warm"} {
		contains(t, s.run(0, append(strings.Fields(cmd), "--help")...).out, "Examples:")
	}
}
