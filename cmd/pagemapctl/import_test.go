// import, export, apply, log, revert and search, on a real database.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tableSite is a site whose table has the tree's rows and one made by hand.
func tableSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, files)
	s.run(0, "migrate")
	s.run(0, "populate")
	s.run(0, "page", "set", "/made", "301", "/about.html", "--tag", "keep", "--note", "by hand")
	return s
}

// file writes a file for a command to read.
func (s *site) file(name, text string) string {
	s.t.Helper()
	name = filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// imported is what import --json tells.
type imported struct {
	Files []struct {
		File, Format string
		Lines        int
		Counts       map[string]int
	}
	Problems []struct {
		File, Verdict, Reason, Text string
		Line                        int
	}
	Rows                                               int
	Added, Changed, Removed, Unchanged, Kept, Replaced int
	ChangeSet                                          int64 `json:"change_set"`
	LeftOut                                            int   `json:"left_out"`
	Differences, Conflicts                             []struct{ Path string }
}

// importJSON runs import --json, and holds its counts to its lines and rows.
func (s *site) importJSON(code int, args ...string) imported {
	s.t.Helper()
	var got imported
	if err := json.Unmarshal([]byte(s.run(code, append([]string{"import", "--json"}, args...)...).out), &got); err != nil {
		s.t.Fatal(err)
	}
	for _, f := range got.Files {
		sum := 0
		for _, n := range f.Counts {
			sum += n
		}
		if sum != f.Lines {
			s.t.Errorf("%s: counts %v are %d lines, not %d", f.File, f.Counts, sum, f.Lines)
		}
	}
	if n := got.Added + got.Changed + got.Unchanged + got.Kept + got.LeftOut; n != got.Rows {
		s.t.Errorf("%d rows are accounted for, of %d: %+v", n, got.Rows, got)
	}
	return got
}

func TestImport(t *testing.T) {
	s := tableSite(t)
	odd := s.file("odd.csv", "\ufeffpath;status;source;owner\r\n"+ // 1: a mark, another separator, CRLF, a column too many
		"https://www.example.org/old%20page.html;301;/new.html;x\r\n"+ // 2: a URL of the site
		"\"/quoted;x\";308;/about.html;\r\n"+ // 3: a separator in quotes, 308
		"/old%20page.html;301;/new.html;\r\n"+ // 4: the same again
		"/old%20page.html;302;/new.html;\r\n"+ // 5: otherwise
		"https://elsewhere.example/a;301;/b;\r\n"+ // 6: another host
		"/x;305;/y;\r\n"+ // 7: no such status
		"\r\n"+ // 8
		"/about.html;410;;\r\n"+ // 9: over the tree's row
		"/made;301;/about.html;") // 10: there already, without an end of line
	got := s.importJSON(1, odd)
	if got.ChangeSet != 0 || got.Rows != 4 || got.Added != 2 || got.Changed != 1 || got.Unchanged != 1 {
		t.Errorf("refused lines: %+v", got)
	}
	if f := got.Files[0]; f.Lines != 10 || f.Format != "csv" || f.Counts["accepted"] != 4 || f.Counts["empty"] != 2 || f.Counts["duplicate"] != 1 || f.Counts["conflict"] != 1 || f.Counts["refused"] != 2 {
		t.Errorf("lines: %+v", f)
	}
	s.run(1, "page", "get", "/old%20page.html")
	r := s.run(1, "import", odd)
	contains(t, r.err, odd+":5: conflict: ", odd+":6: refused: ", "elsewhere.example", odd+":7: refused: ", odd+":3: note: ", "nothing is written: 3 lines are refused", "--skip-bad")
	contains(t, r.out, "10 lines: 4 accepted, 2 empty, 1 duplicate, 1 conflict, 2 refused, 0 not expressible",
		"4 rows: 2 new, 1 changed, 1 unchanged, 0 in the way (fail), 0 left out", "~ /about.html  200 file:/about.html -> 410", "+ /old%20page.html  301 /new.html")

	report := filepath.Join(t.TempDir(), "report")
	r = s.run(1, "import", "--skip-bad", "--report", report, odd)
	contains(t, r.err, "lines are told of in "+report)
	contains(t, r.out, ": 2 added, 1 changed, 0 removed")
	if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), odd+":7: refused: ") {
		t.Errorf("report: %q, %v", text, err)
	}
	contains(t, s.run(0, "page", "get", "/old%20page.html").out, "301", "/new.html", "origin   import")
	contains(t, s.run(0, "page", "get", "/made").out, "tags     keep", "origin   cli")
	contains(t, s.run(0, "log", "--limit", "1").out, "maria\timport\t+2 ~1 -0\timport of "+odd)

	// The same list again, without what was wrong.
	clean := s.file("clean.csv", "path,status,source\n/old page.html,301,/new.html\n/about.html,410,\n")
	if got := s.importJSON(0, clean); got.Unchanged != 2 || got.ChangeSet != 0 {
		t.Errorf("again: %+v", got)
	}

	// What is in the way.
	other := s.file("other.csv", "path,status,source\n/made,410,\n/free,404,\n")
	r = s.run(1, "import", other)
	contains(t, r.err, other+":2: in the way: the table has /made 301 /about.html, made by cli; here it is 410", "--on-conflict")
	s.run(1, "page", "get", "/free")
	if got := s.importJSON(0, "--on-conflict", "keep", "--dry-run", other); got.Kept != 1 || got.Added != 1 || got.ChangeSet != 0 {
		t.Errorf("keep: %+v", got)
	}
	if got := s.importJSON(0, "--on-conflict", "replace", other); got.Replaced != 1 || got.Changed != 1 || got.Added != 1 || got.ChangeSet == 0 {
		t.Errorf("replace: %+v", got)
	}

	// Loops name their lines.
	loops := s.file("loops.tsv", "path\tstatus\tsource\n/l1\t301\t/l2\n/l2\t301\t/l1\n/fine\t301\t/l3\n")
	contains(t, s.run(1, "import", loops).err, loops+":2: refused: /l1 is a loop: /l1 -> /l2: ", loops+":3: refused: /l2 is a loop", "2 lines are refused")
	s.run(1, "page", "get", "/fine")
	if got := s.importJSON(1, "--skip-bad", loops); got.LeftOut != 2 || got.Added != 1 || got.Files[0].Counts["refused"] != 2 || got.ChangeSet == 0 {
		t.Errorf("without loops: %+v", got)
	}

	// What is to be told and cannot be, and files that hold nothing.
	contains(t, s.run(3, "import", "--dry-run", "--report", filepath.Join(s.tree, "nowhere", "report"), loops).err, "no such file or directory")
	contains(t, s.run(3, "import", s.file("empty.csv", "")).err, "empty.csv: is empty")
	contains(t, s.run(2, "apply", s.file("header.csv", "path,status,source\n")).err, "--yes")
	contains(t, s.run(3, "export", "--format", "csv", s.tree).err, "is a directory")
	contains(t, s.run(1, "import", s.file("self.csv", "path,status,source\n/self,301,/self\n")).err, "self.csv:2: refused: ", "redirect for ever")
	for _, args := range []string{"hits --days -1", "misses --limit -1", "page list --limit -1", "log --before -1", "check --findings -1", "verify --rate -1 x"} {
		contains(t, s.run(2, strings.Fields(args)...).err, "want 0 or more")
	}

	// Several lists at once; one from standard input.
	a, b := s.file("a.csv", "path,status,source\n/two,404,\n/three,404,\n"), s.file("_redirects", "/two /x 301\n/four /x 301\n")
	got = s.importJSON(1, "--skip-bad", a, b)
	if got.Added != 3 || got.Files[1].Counts["conflict"] != 1 || got.Files[1].Counts["accepted"] != 1 {
		t.Errorf("two lists: %+v", got)
	}
	if r := s.runWith("path,status,source\n/stdin,404,\n", "import", "--format", "csv", "-", "-m", "from a pipe"); r.code != 0 {
		t.Errorf("standard input: %+v", r)
	}
	contains(t, s.run(0, "log", "--limit", "1").out, "from a pipe")
	contains(t, s.run(2, "import", "-").err, "--format csv|")
	contains(t, s.run(2, "import", s.file("list.xyz", "")).err, "list.xyz", "--format")
	contains(t, s.run(2, "import", "--on-conflict", "ask", a).err, "ask")
	contains(t, s.run(2, "import", "--format", "word", a).err, "word")
	contains(t, s.run(3, "import", "/nonexistent.csv").err, "/nonexistent.csv")

	ht := s.file(".htaccess", "Redirect permanent /docs/a /docs/b\nRewriteCond %{HTTPS} off\nRewriteRule ^c$ /docs/d [R=301]\n")
	got = s.importJSON(1, "--base", "/docs", "--skip-bad", ht)
	if got.Files[0].Format != "htaccess" || got.Added == 0 || got.Files[0].Counts["not expressible"] == 0 {
		t.Errorf(".htaccess: %+v", got)
	}
}

func TestExportAndApply(t *testing.T) {
	s := tableSite(t)
	s.run(0, "page", "set", "/docs/*", "301", "/new/*")
	s.run(0, "page", "set", "/docs/x?id=7", "302", "https://elsewhere.example/#x", "--drop-query")
	s.run(0, "page", "set", "/gone", "410", "/about.html")
	dir := t.TempDir()

	// All of it, into an empty table.
	whole := filepath.Join(dir, "whole.jsonl")
	contains(t, s.run(0, "export", whole).err, "8 of 8 rows written")
	copied := newSite(t, files)
	copied.run(0, "migrate")
	copied.run(0, "import", whole)
	if a, b := s.run(0, "export", "--format", "jsonl").out, copied.run(0, "export", "--format", "jsonl").out; stripped(t, a) != stripped(t, b) {
		t.Errorf("copied\n%s\nof\n%s", b, a)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}

	r := s.run(1, "export", "--format", "rewritemap")
	contains(t, r.err, "/docs/*: ", "of 8 rows written")
	contains(t, s.run(1, "export", "--json", filepath.Join(dir, "moved.map")).out, `"format": "nginxmap"`, `"path": "/gone"`, `"written": false`)
	contains(t, s.run(2, "export").err, "--format csv|")
	contains(t, s.run(2, "export", "--format", "csv", "--json").err, "standard output")
	s.run(3, "export", filepath.Join(dir, "no", "such.csv"))

	// A table kept as a file.
	table := filepath.Join(dir, "pages.csv")
	s.run(0, "export", "--origin", "made", table)
	contains(t, s.run(0, "apply", table).out, "4 unchanged", "nothing to do")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "/gone,410,/about.html", "/gone,404,", 1)
	lines := strings.SplitAfter(edited, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "/made,") {
			lines[i] = "/brand-new,301,/made,keep,,\n"
		}
	}
	edited = strings.Join(lines, "")
	table = s.file("pages.csv", edited)
	before := s.run(0, "page", "list").out
	contains(t, s.run(0, "apply", "--dry-run", table).out, "- /made  301 /about.html", "~ /gone  410 /about.html -> 404", "+ /brand-new", "1 rows of the table removed", "dry run")
	if out := s.run(0, "page", "list").out; out != before {
		t.Errorf("a dry run wrote\n%s", out)
	}
	contains(t, s.run(0, "apply", table, "-m", "pulled").out, "1 added, 1 changed, 1 removed")
	s.run(1, "page", "get", "/made")
	s.run(0, "page", "get", "/about.html") // the tree's
	contains(t, s.run(0, "log", "--limit", "1").out, "+1 ~1 -1\tpulled")

	contains(t, s.run(1, "apply", "--under", "/docs", table).err, "/gone is not under /docs", "nothing is written: 2 lines")
	contains(t, s.run(1, "apply", "--origin", "admin", s.file("a.csv", "path,status,source\n/docs/*,410,\n")).err, "in the way", "--origin")
	contains(t, s.run(0, "apply", "--under", "/docs", s.file("docs.csv", "path,status,source,query\n/docs/*,301,/new/*,\n/docs/y,404,,\n")).out, "1 added, 0 changed, 1 removed")
	contains(t, s.run(1, "apply", s.file("bad.csv", "path,status,source\n/a,301,/b\n/c,999,\n")).err, "bad.csv:3: refused", "nothing is written: 1 lines")
	contains(t, s.run(2, "apply", s.file("_redirects", "/a /b\n")).err, "import")
	contains(t, s.run(2, "apply", "--origin", "populate", table).err, "populate")

	var many strings.Builder
	many.WriteString("path,status,source\n")
	for i := range 150 {
		fmt.Fprintf(&many, "/many/%d,410,\n", i)
	}
	s.run(0, "apply", "--under", "/many", s.file("many.csv", many.String()))
	few := s.file("few.csv", "path,status,source\n/many/1,410,\n")
	contains(t, s.run(1, "apply", "--under", "/many", few).err, "149 rows would be removed", "--yes")
	contains(t, s.run(0, "apply", "--under", "/many", few, "--yes").out, "149 removed")
}

// stripped is JSON lines without who changed a row, when and by which change.
func stripped(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(lines) {
		row := map[string]any{}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"changed_by", "changed_at", "change"} {
			delete(row, name)
		}
		if err := json.NewEncoder(&b).Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestLogAndRevert(t *testing.T) {
	s := tableSite(t) // change-sets 1 and 2
	before := s.run(0, "export", "--format", "jsonl").out
	list := s.file("list.csv", "path,status,source\n/a,301,/made\n/b,410,\n/about.html,301,/c\n")
	s.run(0, "import", list, "--author", "ana") // 3
	contains(t, s.run(0, "log", "3").out, "ana\timport\t+2 ~1 -0", "+ /a  301 /made", "~ /about.html  200 file:/about.html -> 301 /c")
	var set struct {
		ChangeSet int64 `json:"change_set"`
		Author    string
		Changes   []struct {
			Path     string
			Old, New *struct{ Status int }
		}
	}
	if err := json.Unmarshal([]byte(s.run(0, "log", "--json", "3").out), &set); err != nil || set.ChangeSet != 3 || len(set.Changes) != 3 {
		t.Errorf("log --json 3: %+v, %v", set, err)
	}
	if out := s.run(0, "log", "--author", "ana").out; strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "3\t") {
		t.Errorf("log --author: %q", out)
	}
	if out := s.run(0, "log", "--path", "https://www.example.org/about.html").out; strings.Count(out, "\n") != 2 {
		t.Errorf("log --path: %q", out)
	}
	if out := s.run(0, "log", "--since", "1h", "--limit", "2", "--before", "3").out; !strings.HasPrefix(out, "2\t") || strings.Count(out, "\n") != 2 {
		t.Errorf("log --before: %q", out)
	}
	s.run(1, "log", "--since", "2999-01-01")
	s.run(1, "log", "99")
	contains(t, s.run(2, "log", "x").err, `"x"`)
	contains(t, s.run(2, "log", "3", "--limit", "1").err, "--limit")
	contains(t, s.run(2, "log", "--since", "tomorrow").err, "tomorrow")

	contains(t, s.run(0, "revert", "3", "--dry-run").out, "1 rows restored, 2 removed", "- /a", "dry run")
	first := changeSet(t, s.run(0, "revert", "3", "-m", "wrong list").out)
	if after := s.run(0, "export", "--format", "jsonl").out; stripped(t, after) != stripped(t, before) {
		t.Errorf("after the revert\n%s\nwas\n%s", after, before)
	}
	contains(t, s.run(0, "log", "--limit", "1").out, "revert of change-set 3: wrong list")
	contains(t, s.run(0, "revert", "3").out, "nothing to do")
	second := changeSet(t, s.run(0, "revert", first).out)
	s.run(0, "page", "set", "/b", "200", "wiki:B")
	r := s.run(1, "revert", second)
	contains(t, r.err, "changed since: /b is 200 wiki:B (cli), was no row", "--force")
	contains(t, r.out, "1 removed", "1 changed since")
	contains(t, s.run(0, "page", "get", "/b").out, "wiki:B")
	contains(t, s.run(0, "revert", second, "--force", "--json").out, `"replaced": 1`, `"removed": 1`)
	s.run(1, "page", "get", "/b")
	s.run(1, "revert", "99")

	s.run(0, "page", "set", "/p", "301", "/q")
	s.run(0, "page", "rm", "/p") // what is reverted below
	removed := strings.Split(s.run(0, "log", "--limit", "1").out, "\t")[0]
	s.run(0, "page", "set", "/q", "301", "/p")
	contains(t, s.run(1, "revert", removed).err, "loop", "/p -> /q")
}

// changeSet is the number that a command tells of.
func changeSet(t *testing.T, out string) string {
	t.Helper()
	_, rest, ok := strings.Cut(out, "change-set ")
	number, _, _ := strings.Cut(rest, ":")
	if !ok {
		t.Fatalf("no change-set in %q", out)
	}
	return number
}

func TestSearch(t *testing.T) {
	s := tableSite(t)
	s.run(0, "import", s.file("list.csv", "path,status,source\n/install/a,301,https://new.example/setup\n/install/b,301,https://new.example/install\n/c,301,/install/c\n"))
	if out := s.run(0, "search", "install").out; out != "301\t/c\t/install/c\n301\t/install/a\thttps://new.example/setup\n301\t/install/b\thttps://new.example/install\n" {
		t.Errorf("search install:\n%s", out)
	}
	r := s.run(0, "search", "install", "--limit", "1")
	contains(t, r.err, "--after '/c'")
	if out := s.run(0, "search", "install", "--limit", "1", "--after", "/c", "--in", "path").out; !strings.HasPrefix(out, "301\t/install/a\t") {
		t.Errorf("the next page: %q", out)
	}
	contains(t, s.run(0, "search", "--prefix", "https://", "--json").out, `"path":"/install/a"`, `"changed_by":"maria"`)
	contains(t, s.run(0, "search", "--regexp", "^/c$").out, "/c")
	contains(t, s.run(0, "search", "--origin", "made", "--never-hit", "--since", "1d", "--changed-by", "maria", "--tag", "keep").out, "/made")
	s.run(1, "search", "no such text")
	contains(t, s.run(2, "search", "--regexp", "(").err, "regular expression")
	contains(t, s.run(2, "search", "--in", "note", "x").err, "note")
	contains(t, s.run(2, "search", "--limit", "0", "x").err, "page list")
	contains(t, s.run(2, "search", "--prefix", "--regexp", "x").err, "prefix")
	contains(t, s.run(0, "page", "list", "--origin", "import", "--never-hit", "--limit", "1").out, "/c\t")
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-03-01": "2026-03-01T00:00:00Z", "2026-03-01T08:00:00+02:00": "2026-03-01T06:00:00Z", "12h": "2026-03-31T00:00:00Z", "7d": "2026-03-24T12:00:00Z",
	} {
		if got, err := parseSince(text, now); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "d", "7w"} {
		if _, err := parseSince(text, now); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
