package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		args string
		err  string
	}{
		{name: "all", args: "-bin b"},
		{name: "quick", args: "-bin b -quick"},
		{name: "chosen", args: "-bin b -only hot,zipf -contenders exact,static -rounds 3 -out o"},
		{name: "no programs", args: "-rounds 3", err: "-bin is needed"},
		{name: "no rounds", args: "-bin b -rounds 0", err: "at least 1 round"},
		{name: "unknown scenario", args: "-bin b -only hot,warm", err: `no scenario is named "warm": hot, hot-gzip`},
		{name: "unknown contender", args: "-bin b -contenders lighttpd", err: `no contender is named "lighttpd": static, deflate`},
		{name: "a word too much", args: "-bin b hot", err: `unknown argument "hot"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(strings.Fields(tt.args), io.Discard)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
	o, err := parse([]string{"-bin", "b", "-only", "hot", "-contenders", "exact"}, io.Discard)
	if err != nil || !o.wants(o.only, "hot") || o.wants(o.only, "zipf") || o.wants(o.contenders, "static") {
		t.Errorf("%+v, %v", o, err)
	}
}

// Whoever takes part in a scenario, or is compared with, exists.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios {
		for _, name := range append([]string{}, s.contenders...) {
			if titleOf(name) == name {
				t.Errorf("%s: no contender %s", s.name, name)
			}
		}
		if s.base != "" && !slices.Contains(s.contenders, s.base) {
			t.Errorf("%s: compared with %s, which takes no part", s.name, s.base)
		}
		if s.own != "" && titleOfScenario(s.own) == s.own {
			t.Errorf("%s: no scenario %s", s.name, s.own)
		}
		if s.control && !slices.Contains(s.contenders, "exact") {
			t.Errorf("%s: exact takes no part, and is the control", s.name)
		}
	}
}

func TestPlausible(t *testing.T) {
	find := func(name string) *scenario {
		return &scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })]
	}
	hot, missing, zipf := find("hot"), find("missing"), find("zipf")
	tests := []struct {
		name string
		s    *scenario
		l    load
		err  string
	}{
		{name: "as seen", s: hot, l: load{requests: 10, bytes: 105_000}},
		{name: "nothing", s: hot, err: "nothing was answered"},
		{name: "a connection failed", s: hot, l: load{requests: 10, bytes: 105_000, broken: 1}, err: "1 of 10 requests had no answer"},
		{name: "a 503 among them", s: hot, l: load{requests: 10, bytes: 105_000, status: 1}, err: "1 of 10 answers have a status of 400"},
		{name: "shorter answers", s: hot, l: load{requests: 10, bytes: 40_000}, err: "4000 bytes on average"},
		{name: "longer answers", s: hot, l: load{requests: 10, bytes: 140_000}, err: "14000 bytes on average"},
		{name: "404s", s: missing, l: load{requests: 10, bytes: 105_000, status: 10}},
		{name: "a page among them", s: missing, l: load{requests: 10, bytes: 105_000, status: 9}, err: "1 of 10 answers have a status below 400"},
		{name: "many pages", s: zipf, l: load{requests: 10, bytes: 90_000}},
		{name: "many empty pages", s: zipf, l: load{requests: 10, bytes: 70_000}, err: "the smallest page has 8192"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := plausible(tt.l, tt.s, 10_500, 8192)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	o := options{rounds: 9, seconds: 2, warm: 300 * time.Millisecond}
	var blocks [][]cell
	for i := range scenarios {
		s := &scenarios[i]
		var block []cell
		for _, name := range s.contenders {
			block = append(block, cell{scenario: s, name: name})
		}
		if s.control {
			block = append(block, cell{scenario: s, name: control})
		}
		blocks = append(blocks, block)
	}
	// What --help promises.
	if d := estimate(o, blocks); d > 20*time.Minute {
		t.Errorf("a whole run takes %s", d)
	}
}
