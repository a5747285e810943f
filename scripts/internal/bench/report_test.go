package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// invented are results in which every rate and time is known.
func invented() *results {
	r := &results{
		Date: time.Date(2026, 5, 4, 3, 2, 0, 0, time.UTC), Commit: "abc", Machine: machine{Processor: "P <1>", Cores: 2, MemoryMiB: 4096},
		Rounds: 3, Connections: connections, Pages: 50_000, Idle: map[string]float64{"a": 0.02}, Control: "exact",
	}
	add := func(scenario, contender string, rates ...float64) {
		c := &cellResult{Scenario: scenario, Contender: contender}
		for i, v := range rates {
			cpu := map[string]float64{roleApache: 100, roleResponder: 10 * v}
			c.Samples = append(c.Samples, sample{Round: i, Rate: v, P50: 1.5, P99: 9, CPU: cpu, Load: 7})
		}
		r.Cells = append(r.Cells, c)
	}
	add("hot", "static", 10, 20, 10)
	add("hot", "plain", 4, 4, 4)
	add("hot", "exact", 5, 6, 4)
	add("hot", control, 5, 3, 4)
	add("redirects", "exact", 5, 3, 4)
	return r
}

func TestMeasures(t *testing.T) {
	r := invented()
	want := map[string]ratio{
		"exact mode, hot page, against plain net/http/fcgi with a constant page": {1.25, 1, 1.5},
		"responder's CPU per hot request, exact, against plain net/http/fcgi":    {1.25, 1, 1.5},
		"redirects, exact, against the hot page":                                 {1, 0.5, 1},
	}
	for _, m := range measures {
		got, ok := m.got(r)
		w, measured := want[m.what]
		if ok != measured || got != w {
			t.Errorf("%s: %v %v, want %v", m.what, got, ok, w)
		}
		if measured && m.holds(got) == m.atMost {
			t.Errorf("%s: %v holds: %v", m.what, got, m.holds(got))
		}
		for _, w := range []which{m.a, m.b} {
			i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == w.scenario })
			if i < 0 || !slices.Contains(scenarios[i].contenders, w.contender) {
				t.Errorf("%s: nobody measures %v", m.what, w)
			}
		}
	}
}

func TestReport(t *testing.T) {
	var b strings.Builder
	if err := invented().report(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"| exact mode, hot page, against plain net/http/fcgi with a constant page | ≥ 1.25 | 1.25 (1.00–1.50) | yes |\n",
		"| responder's CPU per hot request, exact, against plain net/http/fcgi | ≤ 0.65 | 1.25 (1.00–1.50) | no |\n",
		"| edge mode against Apache static, plain | ≥ 1.25 | not measured |  |\n",
		"A/A control, One hot page: pagemap, exact measured a second time in each round, against itself: 1.00 (0.50–1.00).\n",
		"| pagemap, exact | 5 | 0.40 (0.30–0.50) | 1.5 | 9.0 | 100 | 50 | 7 |\n",
		"| pagemap, exact | 4 |  | 1.00 (0.50–1.00) | 1.5 | 9.0 | 100 | 40 | 7 |\n",
		"All 1 servers together used 2.0 % of one core",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Zipf 1.0") {
		t.Error("a scenario that was not measured has a table")
	}
	// Every row of a table has as many cells as its head.
	columns := 0
	for line := range strings.Lines(text) {
		n := strings.Count(line, "|")
		if n > 0 && columns > 0 && n != columns {
			t.Errorf("%d bars, want %d: %s", n, columns, line)
		}
		columns = n
	}
}

func TestReportFails(t *testing.T) {
	if err := invented().report(&full{left: 100}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v, want %v", err, io.ErrShortWrite)
	}
}

// full is a disk that has room for so many bytes.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestPlot(t *testing.T) {
	r := invented()
	r.Cells[0].Contender, r.Control = "static", "exact"
	var b strings.Builder
	if err := r.plot(&b); err != nil {
		t.Fatal(err)
	}
	bars, texts := 0, ""
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				if a.Name.Local == "class" && strings.HasPrefix(a.Value, "bar") {
					bars++
				}
				if strings.Contains(a.Value, "NaN") || strings.HasPrefix(a.Value, "-") {
					t.Errorf("%s %s=%q", token.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			texts += string(token)
		}
	}
	// Three contenders with the hot page, and one scenario of exact's.
	if bars != 4 {
		t.Errorf("%d bars, want 4", bars)
	}
	for _, want := range []string{"Apache, static files = 1", "0.40", "2026-05-04", "prefers-color-scheme: dark"} {
		if !strings.Contains(texts, want) {
			t.Errorf("no %q in the picture", want)
		}
	}
}
