// Tests of the CSV format.

package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"

	"pagemap/mapping"
)

var hosts = mapping.Hosts{"www.example.org"}

// page is a page as ReadCSV makes it.
func page(pattern string, status uint16, source string) mapping.Page {
	return mapping.Page{Row: mapping.Row{Pattern: pattern, Status: status, Source: source, Origin: mapping.OriginImport}}
}

func TestReadCSV(t *testing.T) {
	moved := page("/old", 301, "/new")
	moved.DropQuery, moved.Tags, moved.Note = true, []string{"news", "old site"}, "see,\nboth \"lines\""
	tests := []struct {
		name string
		text string
		want []mapping.Page
	}{
		{name: "header alone", text: "path,status,source\n", want: []mapping.Page{}},
		{name: "all kinds", text: "path,status,source\n/,200,file:/index.html\n/a,200,wiki:Page name\n/docs/*,301,/new/*\n/x?b=2&a=1,302,https://x.example/\n/gone,410,\n/none,404,\n",
			want: []mapping.Page{
				page("/", 200, "file:/index.html"), page("/a", 200, "wiki:Page name"), page("/docs/*", 301, "/new/*"),
				page("/x?a=1&b=2", 302, "https://x.example/"), page("/gone", 410, ""), page("/none", 404, ""),
			}},
		{name: "all columns", text: "path,status,source,query,tags,note\n/old,301,/new,drop,\"news, old site,\",\"see,\r\nboth \"\"lines\"\"\"\n", want: []mapping.Page{moved}},
		{name: "order and case of columns", text: " Source ,PATH,Status\n/new,/old,301\n", want: []mapping.Page{page("/old", 301, "/new")}},
		{name: "mark and CRLF", text: "\ufeffpath,status,source\r\n/old,301,/new\r\n\r\n", want: []mapping.Page{page("/old", 301, "/new")}},
		{name: "mark and quotes", text: "\ufeff\"path\",status,source\n/old,301,/new", want: []mapping.Page{page("/old", 301, "/new")}},
		{name: "canonical form", text: "path,status,source,query\n/a/../%6fld, 301 ,https://www.example.org/new,KEEP\n", want: []mapping.Page{page("/old", 301, "/new")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadCSV(strings.NewReader(tt.text), hosts)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadCSVErrors(t *testing.T) {
	const head = "path,status,source,query\n"
	tests := []struct {
		name string
		text string
		want []string // what each line of the error holds
	}{
		{name: "empty", text: "", want: []string{"line 1: the file is empty"}},
		{name: "extra column", text: "path,status,source,owner\n/a,404,,me\n", want: []string{`line 1: columns passed over: "owner"`}},
		{name: "missing column", text: "\npath\n/a\n", want: []string{`line 2: columns "status" and "source" are missing`}},
		{name: "no status", text: "path,source\n/a,/b\n", want: []string{"line 1: there is no column of statuses"}},
		{name: "no header", text: "/a,404,\n", want: []string{"line 1: the file has no header"}},
		{name: "column twice", text: "path,status,source,Path\n", want: []string{`column "path" is there twice`}},
		{name: "width", text: head + "/a,301,/b,c,keep\n/c,301,/b\n", want: []string{"line 2: 5 fields where"}},
		{name: "rows", text: head + "a,301,/b,\n/a,999,/b,\n/a,x,/b,\n/a,301,ftp://x,\n/a,301,/b,maybe\n/a,404,,drop\n/ok,404,,\n", want: []string{
			`line 2: path "a"`, `line 3: status 999`, `line 4: status "x" is none of`,
			`line 5: source "ftp://x"`, `line 6: query "maybe"`, `line 7: drop query "true"`,
		}},
		{name: "other status", text: head + "/a,308,/b,\n", want: []string{"line 2: 308 read as 301"}},
		{name: "twice", text: head + "/a,301,/b,\n\n\"/x\",404,,\n/%61,404,,\n", want: []string{`line 5: /a is on line 2 already`}},
		{name: "lines of a tag", text: "path,status,source,tags\n/a,404,,\"x\ny\"\n", want: []string{`line 2: tag "x\ny"`}},
		{name: "lines of a note", text: "path,status,source,note\n/a,404,,\"1\n2\n3\"\nb,404,,\n", want: []string{`line 5: path "b"`}},
		{name: "quotes", text: head + "b,404,,\n/a\"b,301,/b,\n", want: []string{`line 2: path "b"`, `line 3: bare "`}},
		{name: "unclosed quote", text: head + "\"/a,301,/b,\n", want: []string{`extraneous or missing "`}},
		{name: "latin1", text: head + "/caf\xe9,404,,\n", want: []string{`line 2: is no UTF-8`}},
		{name: "nul", text: head + "/a\x00,404,,\n", want: []string{`line 2: is no UTF-8`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pages, err := ReadCSV(strings.NewReader(tt.text), hosts)
			var errs *Errors
			if !errors.As(err, &errs) || pages != nil {
				t.Fatalf("%v, %v", pages, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) || errs.Total != len(tt.want) {
				t.Fatalf("%d errors, want %d:\n%v", errs.Total, len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("%q lacks %q", lines[i], want)
				}
			}
		})
	}
}

func TestReadCSVManyErrors(t *testing.T) {
	_, err := ReadCSV(strings.NewReader("path,status,source\n"+strings.Repeat("x,404,\n", 70)), nil)
	if err == nil || strings.Count(err.Error(), "\n") != maxErrors || !strings.HasSuffix(err.Error(), "\nand 20 more") {
		t.Errorf("%v", err)
	}
}

func TestReadCSVFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := ReadCSV(readerFunc(func([]byte) (int, error) { return 0, broken }), nil)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// all is the sequence of pages.
func all(pages []mapping.Page) iter.Seq2[mapping.Page, error] {
	return func(yield func(mapping.Page, error) bool) {
		for _, p := range pages {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func TestWriteCSV(t *testing.T) {
	p := page("/a?x=1", 301, "/b")
	p.DropQuery, p.Tags, p.Note = true, []string{"one", "two"}, "a\r\nb, \"c\""
	var b bytes.Buffer
	if err := WriteCSV(&b, all([]mapping.Page{p, page("/none", 404, "")})); err != nil {
		t.Fatal(err)
	}
	want := "path,status,source,query,tags,note\n/a?x=1,301,/b,drop,\"one,two\",\"a\nb, \"\"c\"\"\"\n/none,404,,keep,,\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	for _, tag := range []string{"a,b", "", " a", "a\nb"} {
		p.Tags = []string{tag}
		if err := WriteCSV(&b, all([]mapping.Page{p})); err == nil {
			t.Errorf("wrote the tag %q", tag)
		}
	}
	broken := errors.New("broken")
	if err := WriteCSV(&b, func(yield func(mapping.Page, error) bool) { yield(mapping.Page{}, broken) }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := WriteCSV(writerFunc(func([]byte) (int, error) { return 0, broken }), all(nil)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// FuzzReadCSV: what is accepted comes back the same when it was written and read.
func FuzzReadCSV(f *testing.F) {
	for _, text := range []string{
		"path,status,source\n/,200,file:/index.html\n",
		"path,status,source,query,tags,note\r\n/a b?x=%41,302,/c?d#e,drop,\"x, y\",\"n\r\r\n\"\r\n/p/*,301,https://www.example.org/q/*,,,\n",
		"\ufeffnote,source,status,path\n\"#\",wiki:Ünï \"\"q,200,/ü\n,,404,/x\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pages, err := ReadCSV(bytes.NewReader(text), hosts)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, all(pages)); err != nil {
			t.Fatal(err)
		}
		again, err := ReadCSV(&b, hosts)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(pages) {
			t.Errorf("%q\nread %+v\nthen %+v, %v", text, pages, again, err)
		}
	})
}
