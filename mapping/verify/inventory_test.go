package verify

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/mapping"
)

var hosts = mapping.Hosts{"www.example.org"}

// list is an inventory in lines: target, hits, status, location.
func list(v *Inventory) string {
	var b strings.Builder
	for _, e := range v.All() {
		fmt.Fprintf(&b, "%s %d", e.Target, e.Hits)
		if e.Status != 0 {
			fmt.Fprintf(&b, " %d %s", e.Status, e.Location)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func zip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	z.Close()
	return b.String()
}

const combined = `192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a.html?x=1 HTTP/1.1" 200 2326 "-" "curl"
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a.html?x=1 HTTP/1.1" 304 0
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "HEAD /old HTTP/1.1" 301 0 "-" "-"
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "POST /form HTTP/1.1" 200 0 "-" "-"
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /none HTTP/1.1" 404 0 "-" "-"
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET http://www.example.org/b HTTP/1.1" 206 1 "-" "-"
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET http://other.example/b HTTP/1.1" 200 1 "-" "-"
nonsense
`

func TestInventories(t *testing.T) {
	sitemap := `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://www.example.org/a</loc><lastmod>2025-01-01</lastmod><image:image><image:loc>https://www.example.org/i.png</image:loc></image:image></url>
<url><loc> https://www.example.org/b?x=1&amp;y=2 </loc></url><url><loc>https://other.example/c</loc></url>
</urlset>`
	for _, test := range []struct {
		name, text, want string
		kind             string
		stats            Source
		fails            string
	}{
		{name: "log", text: combined, kind: "access log", want: "/a.html?x=1 2\n/old 1\n/b 1\n", stats: Source{Records: 8, New: 3, Errors: 2, OtherHost: 1, Bad: 1, FirstBad: "x:8: "}},
		{name: "log, compressed", text: zip(combined), kind: "access log", want: "/a.html?x=1 2\n/old 1\n/b 1\n", stats: Source{Records: 8, New: 3, Errors: 2, OtherHost: 1, Bad: 1, FirstBad: "x:8: "}},
		{name: "log with virtual hosts", text: "www.example.org:443 " + strings.Split(combined, "\n")[0] + "\nother.example:80 " + strings.Split(combined, "\n")[0] + "\n", kind: "access log", want: "/a.html?x=1 1\n", stats: Source{Records: 2, New: 1, OtherHost: 1}},
		{name: "sitemap", text: sitemap, kind: "sitemap", want: "/a 1\n/b?x=1&y=2 1\n", stats: Source{Records: 3, New: 2, OtherHost: 1}},
		{name: "sitemap, compressed", text: zip(sitemap), kind: "sitemap", want: "/a 1\n/b?x=1&y=2 1\n", stats: Source{Records: 3, New: 2, OtherHost: 1}},
		{name: "no sitemap", text: "<html><body>", fails: "line 1: no sitemap, but <html>"},
		{name: "sitemap cut short", text: sitemap[:300], fails: "line 3: no sitemap"},
		{name: "list of URLs", text: "/a\nhttps://www.example.org/b#part\n\n/a\n", kind: "CSV", want: "/a 2\n/b 1\n", stats: Source{Records: 3, New: 2}},
		{name: "CSV without a header", text: "/a,301,https://www.example.org/b\n/c,410\n", kind: "CSV", want: "/a 1 301 /b\n/c 1 410 \n", stats: Source{Records: 2, New: 2}},
		{name: "CSV", text: "\ufeffHits;Status code;URL;Target\n7;200;/a;\n3;302;/b;/c?x\n", kind: "CSV", want: "/a 7 200 \n/b 3 302 /c?x\n", stats: Source{Records: 2, New: 2}},
		{name: "the mapping's CSV", text: "path,status,source,query,tags,note\n/a,200,wiki:A,,,\n/b,301,/c,keep,,\n/p/*,301,/q/*,,,\n", kind: "CSV", want: "/a 1 200 \n/b 1 301 /c\n", stats: Source{Records: 3, New: 2, Bad: 1, FirstBad: `x:4: "/p/*" is no URL`}},
		{name: "TSV", text: "url\tstatus\n/a,b\t200\n", kind: "CSV", fails: ""},
		{name: "CSV with a bad status", text: "url,status\n/a,200\n/b,OK\n", fails: `line 3: status "OK"`},
		{name: "CSV with bad hits", text: "url,hits\n/a,many\n", fails: `line 2: hits "many"`},
		{name: "CSV without URLs", text: "title,author\nx,y\n", fails: "line 1: \"title,author\" names no column of URLs"},
		{name: "CSV with a bad quote", text: "url,status\n/a,\"200\n", fails: "line "},
		{name: "CSV with a blank in a URL", text: "url\n/a b\n/c\n", kind: "CSV", want: "/c 1\n", stats: Source{Records: 2, New: 1, Bad: 1, FirstBad: `x:2: "/a b" has a blank`}},
		{name: "elsewhere", text: "/cgi-bin/x\n/cgi-bin\n/cgi-binary\n", kind: "CSV", want: "/cgi-binary 1\n", stats: Source{Records: 3, New: 1, Elsewhere: 2}},
		{name: "baseline", text: `{"pagemap_baseline":1}` + "\n" + `{"url":"/a","hits":3,"from":"log:1","status":301,"location":"/b","hops":1,"end":"/b","end_status":200,"hash":"aa"}` + "\n", kind: "baseline", want: "/a 3 301 /b\n", stats: Source{Records: 1, New: 1}},
		{name: "baseline of another version", text: `{"pagemap_baseline":2}`, fails: "no baseline of version 1"},
		{name: "other JSON", text: `{"a":1}`, fails: "no baseline"},
		{name: "baseline without a status", text: `{"pagemap_baseline":1}` + "\n" + `{"url":"/a"}`, fails: `line 2: "/a" has no status`},
		{name: "empty", text: " \n", fails: "is empty"},
		{name: "broken gzip", text: zip(combined)[:60], fails: "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := NewInventory(Options{Hosts: hosts, Elsewhere: []mapping.Path{"/cgi-bin"}})
			_, err := v.Read(t.Context(), "x", strings.NewReader(test.text))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || !strings.Contains(err.Error(), "x") {
					t.Fatalf("%v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.name == "TSV" {
				if list(v) != "/a,b 1 200 \n" {
					t.Errorf("%s", list(v))
				}
				return
			}
			if got := list(v); got != test.want {
				t.Errorf("URLs\n%swant\n%s", got, test.want)
			}
			got := v.Sources[0]
			if !strings.HasPrefix(got.FirstBad, test.stats.FirstBad) {
				t.Errorf("first bad record %q, want %q", got.FirstBad, test.stats.FirstBad)
			}
			test.stats.Name, test.stats.Kind, test.stats.FirstBad = "x", test.kind, got.FirstBad
			if got != test.stats {
				t.Errorf("%+v, want %+v", got, test.stats)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	baseline := `{"pagemap_baseline":1}` + "\n" + `{"url":"/a","hits":3,"from":"log:1","status":200,"hash":"aa"}` + "\n"
	for _, order := range [][]string{{"/a\n", baseline, "/a,410\n"}, {"/a,410\n", baseline, "/a\n"}, {baseline, "/a\n", "/a,410\n"}} {
		v := NewInventory(Options{})
		for _, text := range order {
			if _, err := v.Read(t.Context(), "x", strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		if got := list(v); got != "/a 5 410 \n" {
			t.Errorf("%q", got)
		}
	}
	v := NewInventory(Options{Limit: 2})
	if _, err := v.Read(t.Context(), "x", strings.NewReader("/a\n/b\n/c\n/a\n")); err != nil || v.Sources[0].Over != 1 || list(v) != "/a 2\n/b 1\n" {
		t.Errorf("with a limit: %s %+v, %v", list(v), v.Sources, err)
	}
}

func TestSitemapIndex(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	index := write("sitemap.xml", `<sitemapindex><sitemap><loc>https://www.example.org/maps/one.xml</loc></sitemap><sitemap><loc>https://www.example.org/maps/two.xml.gz</loc></sitemap></sitemapindex>`)
	write("one.xml", `<urlset><url><loc>https://www.example.org/1</loc></url></urlset>`)
	v := NewInventory(Options{Hosts: hosts})
	if err := v.ReadFile(t.Context(), index, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "two.xml.gz") || !strings.Contains(err.Error(), "beside") {
		t.Errorf("a sitemap is missing: %v", err)
	}
	write("two.xml.gz", zip(`<urlset><url><loc>https://www.example.org/2</loc></url></urlset>`))
	v = NewInventory(Options{Hosts: hosts})
	if err := v.ReadFile(t.Context(), index, nil); err != nil || list(v) != "/1 1\n/2 1\n" {
		t.Errorf("%s, %v", list(v), err)
	}
	write("two.xml.gz", `<sitemapindex><sitemap><loc>https://www.example.org/maps/one.xml</loc></sitemap></sitemapindex>`)
	if err := NewInventory(Options{}).ReadFile(t.Context(), index, nil); err == nil || !strings.Contains(err.Error(), "in an index") {
		t.Errorf("an index in an index: %v", err)
	}
	v = NewInventory(Options{})
	if err := v.ReadFile(t.Context(), "-", strings.NewReader("/x\n")); err != nil || list(v) != "/x 1\n" {
		t.Errorf("standard input: %s, %v", list(v), err)
	}
	if err := v.ReadFile(t.Context(), filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestBaselineRoundTrip(t *testing.T) {
	var all []Expected
	for name, o := range outcomes {
		if name != "works" {
			all = append(all, Expected{Target: "/" + strings.ReplaceAll(name, " ", "-"), Hits: 7, From: "x:1", Outcome: o})
		}
	}
	var b bytes.Buffer
	if err := WriteBaseline(&b, all); err != nil {
		t.Fatal(err)
	}
	v := NewInventory(Options{})
	if _, err := v.Read(t.Context(), "x", &b); err != nil {
		t.Fatal(err)
	}
	if len(v.all) != len(all) {
		t.Fatalf("%d URLs of %d", len(v.all), len(all))
	}
	for i := range all {
		if v.all[i] != all[i] {
			t.Errorf("%+v, want %+v", v.all[i], all[i])
		}
	}
}

// fuzzInventory reads what a fuzzer made up and checks what holds of every inventory.
func fuzzInventory(t *testing.T, text string) {
	v := NewInventory(Options{Hosts: hosts, Limit: 100})
	if _, err := v.Read(context.Background(), "x", strings.NewReader(text)); err != nil {
		return
	}
	seen := map[string]bool{}
	for _, e := range v.All() {
		if !strings.HasPrefix(e.Target, "/") || strings.ContainsAny(e.Target, " \n\r\x00#") || e.Hits < 1 || seen[e.Target] {
			t.Fatalf("%+v", e)
		}
		seen[e.Target] = true
	}
	s := v.Sources[0]
	if s.New != len(v.All()) || s.New+s.Errors+s.OtherHost+s.Bad+s.Over > s.Records {
		t.Fatalf("%+v", s)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v.All()); err != nil {
		t.Fatal(err)
	}
}

func FuzzSitemap(f *testing.F) {
	f.Add(`<urlset><url><loc>https://www.example.org/a</loc></url></urlset>`)
	f.Add(`<sitemapindex><sitemap><loc>x</loc></sitemap></sitemapindex>`)
	f.Add(`<?xml version="1.0"?><!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>/&a;</loc></url>`)
	f.Fuzz(func(t *testing.T, text string) { fuzzInventory(t, "<"+text) })
}

func FuzzCSV(f *testing.F) {
	f.Add("url,status,target,hits\n/a,301,/b,7\n")
	f.Add("/a\n/b\n")
	f.Add("\"/a")
	f.Add("path;status\n\"/a\"\"\";200\n")
	f.Add(combined)
	f.Add(`{"pagemap_baseline":1}{"url":"/a","status":200}`)
	f.Fuzz(fuzzInventory)
}
