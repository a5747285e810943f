// What a run gave, as it is written to results.json.

package main

import (
	"bufio"
	"context"
	"debug/buildinfo"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// results are all that is known of a run.
type results struct {
	Date        time.Time          `json:"date"`
	Commit      string             `json:"commit"` // of the pagemapd that was measured
	Modified    bool               `json:"modified"`
	Machine     machine            `json:"machine"`
	Versions    []string           `json:"versions"`
	Rounds      int                `json:"rounds"`
	Seconds     int                `json:"seconds"`
	Connections int                `json:"connections"`
	Pages       int                `json:"pages"`
	Idle        map[string]float64 `json:"idle"`    // parts of a processor that servers use when nobody asks
	Control     string             `json:"control"` // the contender that was measured twice
	Cells       []*cellResult      `json:"cells"`
}

// machine is where it ran.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	MemoryMiB int    `json:"memory_mib"`
	System    string `json:"system"`
}

// cellResult is the rounds of one contender in one scenario.
type cellResult struct {
	Scenario  string   `json:"scenario"`
	Contender string   `json:"contender"`
	Samples   []sample `json:"samples"`
}

// record adds a sample.
func (r *results) record(c cell, s sample) {
	found := r.cell(c.scenario.name, c.name)
	if found == nil {
		found = &cellResult{Scenario: c.scenario.name, Contender: c.name}
		r.Cells = append(r.Cells, found)
	}
	found.Samples = append(found.Samples, s)
}

// cell is nil if it was not measured.
func (r *results) cell(scenario, contender string) *cellResult {
	i := slices.IndexFunc(r.Cells, func(c *cellResult) bool { return c.Scenario == scenario && c.Contender == contender })
	if i < 0 {
		return nil
	}
	return r.Cells[i]
}

// series is one value of a cell for each round, NaN where there is none.
func (r *results) series(scenario, contender string, value func(sample) float64) []float64 {
	all := make([]float64, r.Rounds)
	for i := range all {
		all[i] = math.NaN()
	}
	if c := r.cell(scenario, contender); c != nil {
		for _, s := range c.Samples {
			all[s.Round] = value(s)
		}
	}
	return all
}

// middle is the median of a cell's values; NaN of none.
func (r *results) middle(scenario, contender string, value func(sample) float64) float64 {
	return median(slices.DeleteFunc(r.series(scenario, contender, value), math.IsNaN))
}

func rate(s sample) float64 { return s.Rate }

func responderCPU(s sample) float64 { return s.CPU[roleResponder] }

// thisMachine looks at /proc.
func thisMachine() machine {
	m := machine{Processor: runtime.GOARCH, Cores: runtime.NumCPU()}
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
				m.Processor = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err == nil {
			m.MemoryMiB = kib / 1024
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System = "Linux " + strings.TrimSpace(string(text))
	}
	return m
}

// built is the commit that a program was built from, and whether the source had changes beyond it.
func built(program string) (commit string, modified bool, err error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "", false, err
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	return commit, modified, nil
}

var versionNumber = regexp.MustCompile(`\d+(?:\.\d+)+`)

// versions asks the installed programs.
func versions(ctx context.Context) []string {
	all := []string{"Go " + strings.TrimPrefix(runtime.Version(), "go")}
	for _, p := range []struct {
		name string
		call []string
	}{
		{"Apache", []string{"apache2", "-v"}},
		{"Varnish", []string{"varnishd", "-V"}},
		{"nginx", []string{"nginx", "-v"}},
		{"memcached", []string{"memcached", "-V"}},
		{"PostgreSQL", []string{"psql", "--version"}},
		{"Django", []string{"/usr/bin/python3", "-m", "django", "--version"}},
		{"wrk", []string{"wrk", "-v"}},
	} {
		out, _ := exec.CommandContext(ctx, p.call[0], p.call[1:]...).CombinedOutput() // wrk -v fails
		if v := versionNumber.Find(out); v != nil {
			all = append(all, p.name+" "+string(v))
		}
	}
	return all
}
