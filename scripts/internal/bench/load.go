// The load generator: wrk, and what it says.

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	connections = 32
	host        = "www.example.org" // of every request
	userAgent   = "Mozilla/5.0 (X11; Linux x86_64)"
)

// load is what wrk counted.
type load struct {
	requests int64 // answers received
	bytes    int64 // headers and bodies
	status   int64 // answers of 400 and more
	broken   int64 // connections that failed, requests without an answer in time
	took     time.Duration
	p50, p99 time.Duration
	cpu      time.Duration // wrk's own
}

var errNoResult = errors.New("wrk printed no result")

// parseLoad finds the line that conf/load.lua prints at the end.
func parseLoad(out string) (load, error) {
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "result ")
		if !ok {
			continue
		}
		values := map[string]int64{}
		for _, field := range strings.Fields(rest) {
			name, text, _ := strings.Cut(field, "=")
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 {
				return load{}, fmt.Errorf("%w: %q in %q", errNoResult, field, line)
			}
			values[name] = n
		}
		for _, name := range []string{"requests", "duration", "bytes", "connect", "read", "write", "timeout", "status", "p50", "p99"} {
			if _, ok := values[name]; !ok {
				return load{}, fmt.Errorf("%w: no %s in %q", errNoResult, name, line)
			}
		}
		micro := func(name string) time.Duration { return time.Duration(values[name]) * time.Microsecond }
		return load{
			requests: values["requests"], bytes: values["bytes"], status: values["status"],
			broken: values["connect"] + values["read"] + values["write"] + values["timeout"],
			took:   micro("duration"), p50: micro("p50"), p99: micro("p99"),
		}, nil
	}
	return load{}, fmt.Errorf("%w:\n%s", errNoResult, tail(out))
}

// generate asks an address for the paths in a file, for whole seconds.
func generate(ctx context.Context, script, addr, paths string, header []string, seconds int) (load, error) {
	args := []string{"-t2", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", seconds), "--timeout", "10s", "-s", script,
		"-H", "Host: " + host, "-H", "User-Agent: " + userAgent}
	for _, h := range header {
		args = append(args, "-H", h)
	}
	args = append(args, "http://"+addr+"/", "--", paths)
	cmd := exec.CommandContext(ctx, "wrk", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return load{}, errors.Join(fmt.Errorf("wrk: %w\n%s", err, tail(string(out))), ctx.Err())
	}
	l, err := parseLoad(string(out))
	l.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return l, err
}
