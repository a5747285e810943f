// Processor time of servers, from /proc.

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/PID/stat (sysconf(_SC_CLK_TCK), which Linux
// has fixed at 100 a second for programs).
const tick = 10 * time.Millisecond

// stat is what is needed of one /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration // user and system
}

var errStat = errors.New("not in the form of /proc/PID/stat")

// parseStat reads one (proc(5)): the fields after the program's name, which stands in
// brackets and may hold anything, brackets and spaces too.
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, errStat
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 13 {
		return stat{}, errStat
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("%w: %w", errStat, err)
	}
	var ticks uint64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseUint(f, 10, 63)
		if err != nil {
			return stat{}, fmt.Errorf("%w: %w", errStat, err)
		}
		ticks += n
	}
	return stat{parent: parent, cpu: time.Duration(ticks) * tick}, nil
}

// processes is every process of the machine at one moment.
type processes map[int]stat

// readProcesses reads /proc.
func readProcesses() (processes, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := processes{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // gone since
		}
		s, err := parseStat(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		all[pid] = s
	}
	return all, nil
}

// family is a process and all that descend from it.
func (ps processes) family(root int) []int {
	var found []int
	for pid := range ps {
		for at, steps := pid, 0; at > 1 && steps < len(ps); at, steps = ps[at].parent, steps+1 {
			if at == root {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// cpu is the time that a process and its descendants have used.
func (ps processes) cpu(root int) time.Duration {
	var sum time.Duration
	for _, pid := range ps.family(root) {
		sum += ps[pid].cpu
	}
	return sum
}
