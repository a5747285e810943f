// Files with all that is odd in them, line by line.

package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// odd is a line, what becomes of it, and the rows that it makes: status,
// pattern, source, and "drop" where the query is dropped.
type odd struct {
	line string
	want Verdict
	rows []string
	note string // what the problem says, a part of it
}

func rows(r ...string) []string { return r }

// checkOddities reads the lines and compares.
func checkOddities(t *testing.T, o ReadOptions, end string, lines []odd) {
	t.Helper()
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.line + end)
	}
	in, err := Read(context.Background(), strings.NewReader(text.String()), o)
	if err != nil {
		t.Fatal(err)
	}
	if in.Lines != len(lines) {
		t.Errorf("%d lines, want %d", in.Lines, len(lines))
	}
	var counts [verdicts]int
	for i, l := range lines {
		counts[l.want]++
		var got []string
		for _, row := range in.Rows {
			if row.Line == i+1 {
				text := fmt.Sprintf("%d %s %s", row.Page.Status, row.Page.Pattern, row.Page.Source)
				if row.Page.DropQuery {
					text += " drop"
				}
				got = append(got, strings.TrimSpace(text))
			}
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(l.rows)); !slices.Equal(got, want) {
			t.Errorf("line %d %q: rows %q, want %q", i+1, l.line, got, want)
		}
		var told []string
		for _, p := range in.Problems {
			if p.Line == i+1 {
				told = append(told, p.Verdict.String()+": "+p.Reason)
			}
		}
		all := strings.Join(told, "\n")
		plain := l.want == Empty || l.want == Accepted
		switch {
		case l.note == "" && plain && all != "", !plain && !strings.HasPrefix(all, l.want.String()+": "), !strings.Contains(all, l.note):
			t.Errorf("line %d %q: %q, want %s with %q", i+1, l.line, all, l.want, l.note)
		}
	}
	if counts != in.Counts {
		t.Errorf("counts %v, want %v", in.Counts, counts)
	}
	checkReading(t, in, text.String(), o)
}

// checkReading is what holds for every file.
func checkReading(t *testing.T, in *Reading, text string, o ReadOptions) {
	t.Helper()
	text = strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\r", "\n")
	lines := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines++
	}
	sum := 0
	for _, n := range in.Counts {
		sum += n
		if n < 0 {
			t.Errorf("counts %v", in.Counts)
		}
	}
	if in.Lines != lines || sum != lines {
		t.Errorf("%d lines and counts %v of a file of %d lines", in.Lines, in.Counts, lines)
	}
	seen := map[string]bool{}
	for _, row := range in.Rows {
		clean, err := o.Hosts.Clean(row.Page)
		if err != nil || fmt.Sprint(clean) != fmt.Sprint(row.Page) {
			t.Errorf("line %d: %+v is not clean: %+v, %v", row.Line, row.Page, clean, err)
		}
		if seen[row.Page.Pattern] {
			t.Errorf("line %d: %s twice", row.Line, row.Page.Pattern)
		}
		if seen[row.Page.Pattern] = true; row.Line < 1 || row.Line > lines {
			t.Errorf("line %d of %d", row.Line, lines)
		}
	}
	for _, p := range in.Problems {
		if p.Line < 1 || p.Line > lines || p.Reason == "" || p.Verdict == Empty {
			t.Errorf("problem %+v of %d lines", p, lines)
		}
	}
}

func TestTableOddities(t *testing.T) {
	lines := []odd{
		{line: "", want: Empty},
		{line: "Old URL;Code;New_URL;Id;Comment;Tags", want: Empty},
		{line: "/a;301;/b;1;;", want: Accepted, rows: rows("301 /a /b")},
		{line: `"/q;uote";301;"/b""c";2;"two`, want: Accepted, rows: rows("301 /q;uote /b%22c")},
		{line: `lines";x`, want: Empty},
		{line: "# a comment", want: Empty},
		{line: ";;;;;", want: Empty},
		{line: "/short;gone", want: Accepted, rows: rows("410 /short")},
		{line: "/long;301;/b;1;;;", want: Accepted, rows: rows("301 /long /b")},
		{line: "/longer;301;/b;1;;;x", want: Refused, note: "7 fields where"},
		{line: "/nostatus;;/b", want: Accepted, rows: rows("301 /nostatus /b"), note: "no status, read as 301"},
		{line: "/neither;;", want: Refused, note: "neither a status nor a target"},
		{line: ";301;/b", want: Refused, note: "no path"},
		{line: "/308;308;/b", want: Accepted, rows: rows("301 /308 /b"), note: "308 read as 301"},
		{line: "/307;307;/b", want: Accepted, rows: rows("302 /307 /b"), note: "307 read as 302"},
		{line: "/303;303;/b", want: Accepted, rows: rows("302 /303 /b"), note: "303 read as 302"},
		{line: "/300;300;/b", want: Refused, note: "status 300"},
		{line: "/word;permanent;/b", want: Accepted, rows: rows("301 /word /b")},
		{line: "/abc;abc;/b", want: Refused, note: `status "abc"`},
		{line: "https://www.example.org/whole?x=1;302;https://WWW.example.org/b#f", want: Accepted, rows: rows("302 /whole?x=1 /b#f")},
		{line: "https://elsewhere.example/whole;302;/b", want: Refused, note: "not on a host of this site"},
		{line: "/a;301;/b;other;;", want: Duplicate, note: "line 3 already, with the same answer"},
		{line: "/%61;301;/b", want: Duplicate, note: "line 3 already, with the same answer"},
		{line: "/a;302;/b", want: Conflict, note: "line 3 already, with another answer: 301 /b"},
		{line: "/loop/*;301;/loop/x", want: Refused, note: "redirect for ever"},
		{line: "/pre/*;301;/new/*", want: Accepted, rows: rows("301 /pre/* /new/*")},
		{line: "relative;301;/b", want: Refused, note: `does not start with "/"`},
		{line: "/bare\"quote;301;/b", want: Refused, note: "put a field with quotes in quotes"},
		{line: "/latin\xe9;301;/b", want: Refused, note: "no UTF-8"},
		{line: "/js;301;javascript:1", want: Refused, note: "source"},
		{line: "/page;200;wiki:Main page", want: Accepted, rows: rows("200 /page wiki:Main page")},
	}
	for name, end := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
		t.Run(name, func(t *testing.T) { checkOddities(t, ReadOptions{Format: CSV, Hosts: hosts}, end, lines) })
	}
	t.Run("TSV", func(t *testing.T) {
		for i := range lines {
			lines[i].line = strings.ReplaceAll(lines[i].line, ";", "\t")
			if i == 3 {
				lines[i].rows = rows("301 /q%09uote /b%22c")
				lines[i].line = strings.Replace(lines[i].line, "\t", "%3B", 1)
				lines[i].rows = rows("301 /q;uote /b%22c")
			}
		}
		lines[0].line = "\ufeff"
		checkOddities(t, ReadOptions{Format: TSV, Hosts: hosts}, "\r\n", lines)
	})
}

func TestTableColumns(t *testing.T) {
	tests := []struct {
		name    string
		text    string
		comma   rune
		columns map[string]string
		want    string // the row of the last line
		note    string
		err     string
	}{
		{name: "ours", text: "path,status,source\n/a,302,/b\n", want: "302 /a /b"},
		{name: "source and target", text: "Source,Target,Type\n/a,/b,302\n", want: "302 /a /b"},
		{name: "from and to", text: "from\tto\n/a\t/b\n", want: "301 /a /b", note: "no column of statuses"},
		{name: "status alone", text: "url,status\n/a,410\n", want: "410 /a"},
		{name: "given names", text: "id,wrong,right\n1,/a,/b\n", columns: map[string]string{"path": "Wrong", "source": "right"}, want: "301 /a /b"},
		{name: "given places", text: "1,/b,/a,302\n", columns: map[string]string{"path": "3", "source": "2", "status": "4"}, want: "302 /a /b"},
		{name: "given places with a header", text: "id,new,old\n1,/b,/a\n", columns: map[string]string{"path": "3", "source": "2"}, want: "301 /a /b"},
		{name: "no header", text: "/x,/y\n/a,/b\n", want: "301 /a /b", note: "path=1, source=2"},
		{name: "no header, status second", text: "/x,301,/y\n/a,302,/b\n", want: "302 /a /b", note: "path=1, status=2, source=3"},
		{name: "no header, status last", text: "/x,/y,301,junk\n/a,/b,302,junk\n", want: "302 /a /b", note: "other columns"},
		{name: "no header, gone first", text: "/x,410,\n/a,302,/b\n", want: "302 /a /b"},
		{name: "no header, given comma", text: "/x|/y\n/a|/b,c\n", comma: '|', want: "301 /a /b,c"},
		{name: "extra columns", text: "path,source,Count,Owner\n/a,/b,1,me\n", want: "301 /a /b", note: `passed over: "Count", "Owner"`},
		{name: "unknown given", text: "path,source\n/a,/b\n", columns: map[string]string{"path": "Wrong"}, err: `no field of this name`},
		{name: "no path given", text: "path,source\n/a,/b\n", columns: map[string]string{"source": "2"}, err: `Name "path" too`},
		{name: "no such column", text: "path,source\n/a,/b\n", columns: map[string]string{"paht": "2"}, err: `column "paht" is unknown`},
		{name: "twice", text: "path,from,to\n", err: `column "path" is there twice`},
		{name: "no paths", text: "to,status\n/a,301\n", err: "no column has the paths"},
		{name: "paths alone", text: "path\n/a\n", err: "one of them must be there"},
		{name: "no columns", text: "hello world\n", err: "neither a path nor a column's name"},
		{name: "paths alone without header", text: "/a\n", err: "neither a status nor a target"},
		{name: "UTF-16", text: "\xff\xfe/\x00a\x00", err: "UTF-16"},
		{name: "UTF-16 without a mark", text: "p\x00a\x00t\x00h\x00", err: "UTF-16"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := Read(t.Context(), strings.NewReader(tt.text), ReadOptions{Format: CSV, Comma: tt.comma, Columns: tt.columns})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("%v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || len(in.Rows) == 0 {
				t.Fatalf("%+v, %v", in, err)
			}
			p := in.Rows[len(in.Rows)-1].Page
			if got := strings.TrimSpace(fmt.Sprint(p.Status, " ", p.Pattern, " ", p.Source)); got != tt.want || !strings.Contains(fmt.Sprint(in.Notes), tt.note) {
				t.Errorf("%q, notes %q", got, in.Notes)
			}
		})
	}
}

func TestJSONLinesOddities(t *testing.T) {
	checkOddities(t, ReadOptions{Format: JSONLines, Hosts: hosts}, "\r\n", []odd{
		{line: `{"path":"/a","status":301,"source":"/b","query":"drop","tags":["x","y"],"note":"n","origin":"cli"}`, want: Accepted, rows: rows("301 /a /b drop")},
		{line: ``, want: Empty},
		{line: ` {"path":"/page","status":200,"source":"wiki:P","query":"keep","changed_by":"me","changed_at":"2020-01-01T00:00:00Z","change":7} `, want: Accepted, rows: rows("200 /page wiki:P")},
		{line: `{"path":"/a","status":301,"source":"/b","query":"drop","tags":["x","y"],"note":"n"}`, want: Duplicate},
		{line: `{"path":"/a","status":301,"source":"/b"}`, want: Conflict},
		{line: `{"path":"/b","status":308,"source":"/c"}`, want: Accepted, rows: rows("301 /b /c"), note: "308 read as 301"},
		{line: `{"path":"/c","status":301,"target":"/b"}`, want: Refused, note: "target"},
		{line: `{"path":"/c","status":"301","source":"/b"}`, want: Refused, note: "status"},
		{line: `{"path":"/c"`, want: Refused},
		{line: `{"path":"/c","status":404} {}`, want: Refused, note: "more than one object"},
		{line: `[]`, want: Refused},
		{line: `{"path":"/c","status":404,"query":"x"}`, want: Refused, note: "neither keep nor drop"},
		{line: `{"path":"/c","status":404,"origin":"me"}`, want: Refused, note: "origin"},
		{line: `{"path":"/c","status":404,"note":"\u0000"}`, want: Refused, note: "NUL"},
		{line: "{\"path\":\"/c\",\"status\":404,\"note\":\"\xe9\"}", want: Refused, note: "UTF-8"},
		{line: `{"path":"/c","status":500}`, want: Refused, note: "status 500"},
		{line: strings.Repeat(" ", maxLine+1), want: Refused, note: "longer than"},
	})
}

func TestReadFails(t *testing.T) {
	broken := fmt.Errorf("broken")
	for _, f := range Formats() {
		_, err := Read(t.Context(), readerFunc(func([]byte) (int, error) { return 0, broken }), ReadOptions{Format: f})
		if err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("%s: %v", f, err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if _, err := Read(stopped, strings.NewReader("/a /b\n"), ReadOptions{Format: f}); err == nil {
			t.Errorf("%s: read though the context has ended", f)
		}
	}
	if _, err := Read(t.Context(), strings.NewReader(""), ReadOptions{Format: "xls"}); err == nil || !strings.Contains(err.Error(), `"xls" is no format`) {
		t.Errorf("%v", err)
	}
	if _, err := Read(t.Context(), strings.NewReader(""), ReadOptions{Format: Htaccess, Base: "/x"}); err == nil {
		t.Error("a directory without its slash")
	}
}

func TestDetect(t *testing.T) {
	for name, want := range map[string]Format{
		"a.csv": CSV, "x/A.TSV": TSV, "t.jsonl": JSONLines, "/srv/www/.htaccess": Htaccess, "old.htaccess": Htaccess, `C:\apache\httpd.conf`: Httpd,
		"_redirects": Redirects, "nginx.map": NginxMap, "list.txt": "", "site.conf": "",
	} {
		if got, ok := Detect(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}
