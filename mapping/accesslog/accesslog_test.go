package accesslog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	at := time.Date(2015, 5, 17, 10, 5, 3, 0, time.UTC)
	tests := []struct {
		name, text string
		want       Line
		bad        string // part of the error
	}{
		{
			name: "combined", text: `192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a.html?x=1 HTTP/1.1" 200 203 "https://www.example.org/b" "Mozilla/5.0 (X11)"`,
			want: Line{Time: at, Client: "192.0.2.1", Method: "GET", Target: "/a.html?x=1", Protocol: "HTTP/1.1", Status: 200, Bytes: 203, Referrer: "https://www.example.org/b", Agent: "Mozilla/5.0 (X11)"},
		},
		{
			name: "common, zone, no bytes", text: `h.example id maria [17/May/2015:12:05:03 +0200] "HEAD / HTTP/1.0" 304 -`,
			want: Line{Time: at, Client: "h.example", User: "maria", Method: "HEAD", Target: "/", Protocol: "HTTP/1.0", Status: 304},
		},
		{
			name: "virtual host", text: `WWW.example.org:443 2001:db8::1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/2.0" 200 1 "-" "-"`,
			want: Line{Time: at, Host: "www.example.org", Client: "2001:db8::1", Method: "GET", Target: "/", Protocol: "HTTP/2.0", Status: 200, Bytes: 1},
		},
		{
			name: "address of version 6, user with a space and a bracket", text: `::1 - a [b] c [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1`,
			want: Line{Time: at, Client: "::1", User: "a [b] c", Method: "GET", Target: "/", Protocol: "HTTP/1.1", Status: 200, Bytes: 1},
		},
		{
			name: "escapes", text: `c - - [17/May/2015:10:05:03 +0000] "GET /a\"b\\\x41\q HTTP/1.1" 404 9 "\"" "x\ty"`,
			want: Line{Time: at, Client: "c", Method: "GET", Target: `/a"b\A\q`, Protocol: "HTTP/1.1", Status: 404, Bytes: 9, Referrer: `"`, Agent: "x\ty"},
		},
		{
			name: "target with spaces", text: `c - - [17/May/2015:10:05:03 +0000] "GET /a b.html HTTP/1.1" 200 1`,
			want: Line{Time: at, Client: "c", Method: "GET", Target: "/a b.html", Protocol: "HTTP/1.1", Status: 200, Bytes: 1},
		},
		{
			name: "HTTP/0.9", text: `c - - [17/May/2015:10:05:03 +0000] "GET /a" 200 1`,
			want: Line{Time: at, Client: "c", Method: "GET", Target: "/a", Status: 200, Bytes: 1},
		},
		{
			name: "nothing asked", text: `c - - [17/May/2015:10:05:03 +0000] "-" 408 -`,
			want: Line{Time: at, Client: "c", Status: 408},
		},
		{
			name: "no HTTP", text: `c - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01 x" 400 226 "-" "-"`,
			want: Line{Time: at, Client: "c", Status: 400, Bytes: 226},
		},
		{
			name: "further fields", text: `c - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl" 0.003 "-"`,
			want: Line{Time: at, Client: "c", Method: "GET", Target: "/", Protocol: "HTTP/1.1", Status: 200, Bytes: 5, Agent: "curl"},
		},
		{name: "prose", text: "AH00558: could not determine the server's name", bad: "no [day"},
		{name: "bad time", text: `c - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`, bad: "no [day"},
		{name: "no client", text: ` - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`, bad: "client"},
		{name: "no request", text: `c - - [17/May/2015:10:05:03 +0000] GET / 200 5`, bad: `"request"`},
		{name: "request without end", text: `c - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1 200 5`, bad: `"request"`},
		{name: "bad status", text: `c - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" OK 5`, bad: `status is "OK"`},
		{name: "bad bytes", text: `c - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 many`, bad: `bytes is "many"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text))
			if tt.bad != "" {
				if !errors.Is(err, ErrBadLine) || !strings.Contains(err.Error(), tt.bad) || got != (Line{}) {
					t.Fatalf("Parse = %+v, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.Time.Equal(tt.want.Time) {
				t.Errorf("Time = %v", got.Time)
			}
			got.Time = tt.want.Time
			if got != tt.want {
				t.Errorf("Parse = %+v\nwant    %+v", got, tt.want)
			}
		})
	}
}

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestScanner(t *testing.T) {
	long := strings.Repeat("x", maxLine+10)
	tests := []struct {
		name, log string
		want      []string // number and line
		cut       bool
		fails     bool
	}{
		{name: "empty"},
		{name: "plain", log: "a\nb\r\n\nc\n", want: []string{"1 a", "2 b", "4 c"}},
		{name: "no end", log: "a\nb", want: []string{"1 a", "2 b"}, cut: true},
		{name: "gzip", log: zip(t, "a\nb\n"), want: []string{"1 a", "2 b"}},
		{name: "two gzip files", log: zip(t, "a\n") + zip(t, "b\n"), want: []string{"1 a", "2 b"}},
		{name: "too long", log: "a\n" + long + "\nb\n", want: []string{"1 a", "2 " + long[:maxLine], "3 b"}},
		{name: "too long at the end", log: long + long + long, want: []string{"1 " + long[:maxLine]}, cut: true},
		{name: "gzip cut short", log: zip(t, "a\nb\n")[:24], fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewScanner(strings.NewReader(tt.log))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for s.Scan() {
				got = append(got, fmt.Sprint(s.Number(), " ", string(s.Bytes())))
			}
			if (s.Err() != nil) != tt.fails {
				t.Fatalf("Err = %v", s.Err())
			}
			if !tt.fails && s.Cut() != tt.cut {
				t.Errorf("Cut = %t", s.Cut())
			}
			if !tt.fails && fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("lines %.200q, want %.200q", got, tt.want)
			}
		})
	}
	if _, err := NewScanner(strings.NewReader("\x1f\x8bnot gzip at all")); err == nil {
		t.Error("a broken gzip header passes")
	}
	if _, err := NewScanner(io.MultiReader(brokenReader{})); err == nil {
		t.Error("a reader's error passes")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

// Whatever the bytes: no panic, and what is parsed is so again from its own form.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a.html HTTP/1.1" 200 203 "https://www.example.org/b" "Mozilla/5.0"`))
	f.Add([]byte(`www.example.org:443 ::1 - a [b] [17/May/2015:10:05:03 -0730] "GET /a\"\x41 b HTTP/1.1" 404 - "-" "\\"`))
	f.Add([]byte(`c - - [17/May/2015:10:05:03 +0000] "-" 408 -`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrBadLine) || l != (Line{}) {
				t.Fatalf("%+v, %v", l, err)
			}
			return
		}
		if l.Client == "" || l.Status < 100 || l.Bytes < 0 || (l.Method == "") != (l.Target == "") {
			t.Fatalf("%+v", l)
		}
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
		request := "-"
		if l.Method != "" {
			request = strings.TrimSuffix(l.Method+" "+l.Target+" "+l.Protocol, " ")
		}
		again, err := Parse(fmt.Appendf(nil, `%s - %s [%s] "%s" %d %d "%s" "%s"`, l.Client, l.User, l.Time.Format(timeLayout), quote.Replace(request), l.Status, l.Bytes, quote.Replace(l.Referrer), quote.Replace(l.Agent)))
		if err != nil {
			t.Fatal(err)
		}
		if !again.Time.Equal(l.Time) || again.Status != l.Status || again.Bytes != l.Bytes || again.Method != l.Method || again.Target != l.Target || again.Protocol != l.Protocol || again.Referrer != l.Referrer || again.Agent != l.Agent {
			t.Fatalf("%+v\n%+v", l, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	line := []byte(`192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a.html?x=1 HTTP/1.1" 200 203 "https://www.example.org/b" "Mozilla/5.0 (X11)"`)
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}
