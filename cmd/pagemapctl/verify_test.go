package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pagemap/mapping"
	"pagemap/mapping/verify"
)

// verified is a site with a baseline of what it answers.
type verified struct {
	*site
	mapping  string // file
	baseline string // file
	urls     []string
}

var verifiedRows = []string{
	"/old.html,301,/docs/a.html,", "/old2.html,301,/docs/a.html,", "/old3.html,301,/docs/a.html,", "/old4.html,301,/docs/a.html,", "/temp.html,302,/docs/a.html,",
	"/ext,301,https://other.example/x,", "/gone.html,410,,", "/never,404,,", "/pre/*,301,/docs/*,", "/ask?id=7,301,/docs/b.html,", "/frag,301,/docs/a.html#part,",
}

// newVerified makes a tree, partly of real documentation where there is some, and a
// mapping, and records what every file, row and many spellings answer.
func newVerified(t *testing.T) *verified {
	t.Helper()
	files := map[string]string{
		"index.html": "<h1>Home</h1>", "docs/a.html": "<h1>A</h1>", "docs/b.html": "<h1>B</h1>", "docs/index.html": "<h1>Docs</h1>",
		"files/tool.zip": "PK", "files/small.gif": "GIF89a", "style.css": "body{}", "notes.txt": "notes",
		"secret/.htaccess": "Require ip 10\n", "secret/x.html": "secret", "q/x.html": "<h1>X</h1>", "q/index.html": "<h1>Q</h1>",
	}
	for i := range 40 {
		files[fmt.Sprintf("p/p%02d.html", i)] = fmt.Sprintf("<h1>Page %d</h1>", i)
		files[fmt.Sprintf("r/r%02d.html", i)] = fmt.Sprintf("<h1>Reference %d</h1>", i)
	}
	for _, root := range []string{"/usr/share/doc/apache2-doc/manual/en", "/usr/share/doc/python3.11/html"} {
		_ = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err != nil || len(files) > 160 {
				return filepath.SkipAll
			}
			if text, err := os.ReadFile(name); err == nil && e.Type().IsRegular() && len(text) < 100<<10 {
				files["manual/"+strings.TrimPrefix(name, root+"/")] = string(text)
			}
			return nil
		})
	}
	s := &verified{site: offline(t, files), mapping: filepath.Join(t.TempDir(), "moved.csv")}
	s.baseline = filepath.Join(filepath.Dir(s.mapping), "baseline.jsonl")
	s.env["PAGEMAP_MAPPING"], s.env["PAGEMAP_MULTIVIEWS"] = s.mapping, "true"
	s.rows()
	for name := range files {
		p := string(mapping.PathOfFile(name))
		s.urls = append(s.urls, p)
		if strings.HasSuffix(p, "/index.html") {
			s.urls = append(s.urls, strings.TrimSuffix(p, "index.html"))
		}
	}
	for _, row := range verifiedRows {
		path, _, _ := strings.Cut(row, ",")
		s.urls = append(s.urls, strings.Replace(path, "/*", "/a.html", 1))
	}
	s.urls = append(s.urls, "/docs", "//docs//b.html", "/docs/./b.html?x=1", "/docs/%62.html", "/DOCS/B.html", "/p/p03", "/nothing", "/docs/b.html/", "/data/secret/x.html", "/data/files/tool.zip", "/old.html?x=1", "/%zz")
	slices.Sort(s.urls)
	s.urls = slices.Compact(s.urls)
	s.write(filepath.Join(filepath.Dir(s.mapping), "urls.txt"), strings.Join(s.urls, "\n"))
	s.run(0, "verify", filepath.Join(filepath.Dir(s.mapping), "urls.txt"), "--baseline", s.baseline)
	return s
}

func (s *verified) write(name, text string) {
	s.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

// file writes a file of the tree.
func (s *verified) file(name, text string) { s.t.Helper(); s.write(filepath.Join(s.tree, name), text) }

func (s *verified) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.tree, name)); err != nil {
		s.t.Fatal(err)
	}
}

// rows writes the mapping: the usual rows, those with one of the new rows' paths
// replaced; "path" alone leaves its row out.
func (s *verified) rows(changed ...string) {
	s.t.Helper()
	text := "path,status,source,query\n"
	replaced := map[string]bool{}
	for _, row := range changed {
		path, _, more := strings.Cut(row, ",")
		if replaced[path] = true; more {
			text += row + "\n"
		}
	}
	for _, row := range verifiedRows {
		if path, _, _ := strings.Cut(row, ","); !replaced[path] {
			text += row + "\n"
		}
	}
	s.write(s.mapping, text)
}

// worse verifies against the baseline and returns "class url" of all that is worse.
func (s *verified) worse(args ...string) []string {
	s.t.Helper()
	r := s.runWith("", append([]string{"verify", s.baseline, "--json"}, args...)...)
	var report verify.Report
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		s.t.Fatalf("%v: exit code %d\n%s%s", err, r.code, r.out, r.err)
	}
	var found []string
	for _, d := range report.Differences {
		if d.Verdict == verify.Worse {
			found = append(found, string(d.Class)+" "+d.URL)
		}
	}
	if (r.code == 1) != (len(found) > 0) || r.code > 1 || report.All.URLs != len(s.urls) {
		s.t.Errorf("exit code %d, %d worse, %d URLs of %d", r.code, len(found), report.All.URLs, len(s.urls))
	}
	slices.Sort(found)
	return found
}

// TestVerifyFindsPlanted plants regressions of many kinds in a real tree, one at
// a time. Each is found at every URL that it breaks, and at no other.
func TestVerifyFindsPlanted(t *testing.T) {
	all := func(class, prefix string) func(*verified) []string {
		return func(s *verified) (want []string) {
			for _, url := range s.urls {
				if strings.HasPrefix(url, prefix) {
					want = append(want, class+" "+url)
				}
			}
			return want
		}
	}
	for _, test := range []struct {
		name  string
		plant func(*verified)
		want  []string
		all   func(*verified) []string
	}{
		{name: "nothing", plant: func(*verified) {}},
		{name: "a file is deleted", plant: func(s *verified) { s.remove("p/p01.html") }, want: []string{"lost /p/p01.html"}},
		{name: "a file is renamed", plant: func(s *verified) { s.remove("p/p02.html"); s.file("p/p02.xhtml", "<h1>Page 2</h1>") }, want: []string{"lost /p/p02.html"}},
		{name: "an index is deleted", plant: func(s *verified) { s.remove("q/index.html") }, want: []string{"lost /q/", "lost /q/index.html"}},
		{name: "a directory is restricted", plant: func(s *verified) { s.file("r/.htaccess", "Require ip 10\n") }, all: all("lost", "/r/")},
		{name: "a file becomes a FIFO", plant: func(s *verified) {
			s.remove("p/p04.html")
			if err := syscall.Mkfifo(filepath.Join(s.tree, "p/p04.html"), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}, want: []string{"lost /p/p04.html"}},
		{name: "a file becomes a symlink out of the tree", plant: func(s *verified) {
			s.remove("p/p05.html")
			if err := os.Symlink("/etc/hostname", filepath.Join(s.tree, "p/p05.html")); err != nil {
				s.t.Fatal(err)
			}
		}, want: []string{"lost /p/p05.html"}},
		{name: "a data resource is deleted", plant: func(s *verified) { s.remove("files/tool.zip") }, want: []string{"lost /data/files/tool.zip", "lost /files/tool.zip"}},
		{name: "a 404 row over a page", plant: func(s *verified) { s.rows("/p/p06.html,404,,") }, want: []string{"lost /p/p06.html"}},
		{name: "a 410 row over a page", plant: func(s *verified) { s.rows("/p/p07.html,410,,") }, want: []string{"gone /p/p07.html"}},
		{name: "a prefix row over a directory", plant: func(s *verified) { s.rows("/r/*,410,,") }, all: all("gone", "/r/")},
		{name: "a wiki page that cannot be drawn", plant: func(s *verified) { s.rows("/p/p08.html,200,wiki:Eight,") }, want: []string{"failed /p/p08.html"}},
		{name: "a loop", plant: func(s *verified) { s.rows("/p/p09.html,301,/p/p10.html,", "/p/p10.html,301,/p/p09.html,") }, want: []string{"lost /p/p09.html", "lost /p/p10.html"}},
		{name: "a redirect to nothing", plant: func(s *verified) { s.rows("/p/p11.html,301,/nowhere,") }, want: []string{"dead /p/p11.html"}},
		{name: "a redirect to the front page", plant: func(s *verified) { s.rows("/p/p12.html,301,/,") }, want: []string{"front /p/p12.html"}},
		{name: "a redirect to another host", plant: func(s *verified) { s.rows("/p/p13.html,302,https://other.example/,") }, want: []string{"away /p/p13.html"}},
		{name: "a redirect to another page", plant: func(s *verified) { s.rows("/p/p14.html,301,/docs/b.html,") }, want: []string{"elsewhere /p/p14.html"}},
		{name: "a row draws another file", plant: func(s *verified) { s.rows("/p/p15.html,200,file:/docs/b.html,") }, want: []string{"content /p/p15.html"}},
		{name: "a file is edited", plant: func(s *verified) { s.file("p/p16.html", "<h1>Page 61</h1>") }, want: []string{"content /p/p16.html"}},
		{name: "a file is cut short", plant: func(s *verified) { s.file("p/p17.html", "") }, want: []string{"content /p/p17.html"}},
		{name: "another target", plant: func(s *verified) { s.rows("/old2.html,301,/docs/b.html,") }, want: []string{"target /old2.html"}},
		{name: "another host as a target", plant: func(s *verified) { s.rows("/ext,301,https://other.example/y,") }, want: []string{"target /ext"}},
		{name: "a fragment is lost", plant: func(s *verified) { s.rows("/frag,301,/docs/a.html,") }, want: []string{"target /frag"}},
		{name: "a redirect is temporary", plant: func(s *verified) { s.rows("/old3.html,302,/docs/a.html,") }, want: []string{"temporary /old3.html"}},
		{name: "a redirect becomes another page", plant: func(s *verified) { s.rows("/old4.html,200,file:/docs/b.html,") }, want: []string{"unmoved /old4.html"}},
		{name: "a redirect is removed", plant: func(s *verified) { s.rows("/old2.html") }, want: []string{"lost /old2.html"}},
		{name: "a query row is removed", plant: func(s *verified) { s.rows("/ask?id=7") }, want: []string{"lost /ask?id=7"}},
		{name: "a prefix row is removed", plant: func(s *verified) { s.rows("/pre/*") }, want: []string{"lost /pre/a.html"}},
		{name: "a gone row is removed", plant: func(s *verified) { s.rows("/gone.html") }, want: []string{"forgotten /gone.html"}},
		{name: "a restriction is lifted", plant: func(s *verified) { s.remove("secret/.htaccess") }, want: []string{"exposed /data/secret/x.html"}},
		{name: "a second spelling", plant: func(s *verified) { s.file("Docs/b.html", "<h1>B</h1>") }, want: []string{"lost /DOCS/B.html"}},
		{name: "MultiViews are off", plant: func(s *verified) { s.env["PAGEMAP_MULTIVIEWS"] = "false" }, want: []string{"lost /p/p03"}},
		{name: "another media type", plant: func(s *verified) {
			types := filepath.Join(filepath.Dir(s.mapping), "mime.types")
			s.write(types, "text/html html htm\ntext/plain css txt\nimage/gif gif\nimage/png png\n")
			s.env["PAGEMAP_MIME_TYPES"] = types
		}, all: func(s *verified) (want []string) {
			for _, url := range s.urls {
				if strings.HasSuffix(url, ".css") {
					want = append(want, "type "+url)
				}
			}
			return want
		}},
		{name: "a charset of our own", plant: func(s *verified) { s.env["PAGEMAP_CHARSET"] = "utf-8" }, all: func(s *verified) (want []string) {
			for _, e := range s.recorded() {
				if e.Status == 200 && (e.Type == "text/html" || e.Type == "text/plain") && !strings.HasPrefix(e.Target, "/data/") {
					want = append(want, "charset "+e.Target)
				}
			}
			return want
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newVerified(t)
			if strings.Contains(test.name, "media type") || test.name == "nothing" {
				s.env["PAGEMAP_MIME_TYPES"] = "/dev/null" // what this machine has may be another list
				s.write(filepath.Join(filepath.Dir(s.mapping), "plain.types"), "text/html html htm\ntext/css css\ntext/plain txt\nimage/gif gif\nimage/png png\n")
				s.env["PAGEMAP_MIME_TYPES"] = filepath.Join(filepath.Dir(s.mapping), "plain.types")
				if err := os.Remove(s.baseline); err != nil {
					t.Fatal(err)
				}
				s.run(0, "verify", filepath.Join(filepath.Dir(s.mapping), "urls.txt"), "--baseline", s.baseline)
			}
			test.plant(s)
			want := test.want
			if test.all != nil {
				want = test.all(s)
				slices.Sort(want)
				if len(want) == 0 {
					t.Fatal("nothing was planted")
				}
			}
			if got := s.worse(); !slices.Equal(got, want) {
				t.Errorf("worse\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// recorded reads the baseline.
func (s *verified) recorded() []verify.Expected {
	s.t.Helper()
	v := verify.NewInventory(verify.Options{})
	if err := v.ReadFile(s.t.Context(), s.baseline, nil); err != nil {
		s.t.Fatal(err)
	}
	return v.All()
}

// TestVerifyIsCalm: what costs no reader anything is no regression.
func TestVerifyIsCalm(t *testing.T) {
	s := newVerified(t)
	s.file("twin.html", "<h1>Page 1</h1>")
	s.file("new.html", "new")
	s.file("nothing", "here now")
	s.rows("/p/p01.html,301,/twin.html,", "/temp.html,301,/docs/a.html,", "/never,410,,", "/new/*,302,/docs/*,", "/old.html,200,file:/docs/a.html,")
	s.env["PAGEMAP_IMAGE_LIMIT"] = "1" // small.gif is a data resource now
	if got := s.worse(); got != nil {
		t.Errorf("worse: %q", got)
	}
	out := s.run(0, "verify", s.baseline).out
	contains(t, out, "0 URLs (0 hits) worse", "BETTER", "/nothing", "FINE", "/p/p01.html", "200 text/html", "301 /twin.html", "/files/small.gif", "/temp.html", "/never")
	s.file("p/p02.html", "edited")
	s.run(1, "verify", s.baseline)
	contains(t, s.run(0, "verify", s.baseline, "--accept", "content").out, "ACCEPTED content", "/p/p02.html")
}

// TestVerifyReports: text, CSV and JUnit tell the same.
func TestVerifyReports(t *testing.T) {
	s := newVerified(t)
	s.remove("p/p01.html")
	s.rows("/p/p02.html,410,,", "/old2.html,302,/docs/a.html,")
	log := filepath.Join(filepath.Dir(s.mapping), "access.log")
	line := `192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET %s HTTP/1.1" 200 1 "-" "-"` + "\n"
	s.write(log, strings.Repeat(fmt.Sprintf(line, "/p/p02.html"), 7)+fmt.Sprintf(line, "/p/p39.html")+fmt.Sprintf(line, "/wiki/x"))
	csvFile, junitFile := log+".csv", log+".xml"
	r := s.run(1, "verify", s.baseline, log, "--elsewhere", "/wiki", "--csv", csvFile, "--junit", junitFile, "--urls", "1")
	contains(t, r.out, "access log of 9 records, 0 new URLs, 1 elsewhere on the server", "3 URLs (10 hits) worse", "WORSE lost", "WORSE gone", "  8\t/p/p02.html\t200 text/html", "WORSE temporary")
	f, err := os.Open(csvFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) != 4 || records[1][1] != "lost" || records[2][3] != "/p/p02.html" || records[2][2] != "8" || records[3][5] != "301" || records[3][7] != "302" {
		t.Errorf("CSV %q, %v", records, err)
	}
	text, err := os.ReadFile(junitFile)
	if err != nil {
		t.Fatal(err)
	}
	var junit struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name     string `xml:"name,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Type string `xml:"type,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &junit); err != nil || junit.Failures != 3 || len(junit.Suites) != len(verify.Classes()) || junit.Tests != len(verify.Classes()) {
		t.Errorf("JUnit %+v, %v", junit, err)
	}
	for _, suite := range junit.Suites {
		if suite.Failures > 0 != (suite.Cases[0].Failure != nil) {
			t.Errorf("%+v", suite)
		}
	}
}

func TestVerifyWrongUse(t *testing.T) {
	s := newVerified(t)
	for _, test := range []struct {
		name string
		code int
		args []string
		want string
	}{
		{"no inventory", 2, nil, "--crawl"},
		{"a class that is none", 2, []string{s.baseline, "--accept", "lsot"}, "lsot"},
		{"a server that is none", 2, []string{s.baseline, "--against", "new.example.org"}, "new.example.org"},
		{"a host alone", 2, []string{s.baseline, "--host", "x"}, "--against"},
		{"no such file", 3, []string{"/nonexistent.log"}, "/nonexistent.log"},
		{"an inventory of others", 3, []string{"-"}, "--site"},
		{"too many at a time", 2, []string{s.baseline, "--concurrency", "1000"}, "1000"},
		{"two reports of nothing", 2, []string{s.baseline, "--baseline", "/nonexistent/x", "--json"}, "--json"},
		{"a bad path", 2, []string{s.baseline, "--elsewhere", "x"}, "--elsewhere"},
	} {
		r := s.runWith("https://other.example/x\n", append([]string{"verify"}, test.args...)...)
		if r.code != test.code || !strings.Contains(r.err, test.want) {
			t.Errorf("%s: exit code %d, %s", test.name, r.code, r.err)
		}
	}
	contains(t, s.run(0, "verify", "--help").out, "Examples:")
}
