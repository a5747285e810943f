package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLab(t *testing.T) {
	l, err := newLab(".", ".")
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	place, err := l.place("a")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := l.conf(place, "varnish.vcl", map[string]any{"Port": "8123"})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(conf); err != nil || !strings.Contains(string(text), `.port = "8123";`) {
		t.Errorf("%s, %v", text, err)
	}
	up := filepath.Join(l.dir, "up")
	ready := func() error {
		_, err := os.Stat(up)
		return err
	}
	// It writes as the servers' user, and has a child of its own.
	p, err := l.start(t.Context(), "server", true, ready, "sh", "-c", "echo said; sleep 300 & echo > "+up+"; wait")
	if err != nil {
		t.Fatal(err)
	}
	ps, err := readProcesses()
	if err != nil {
		t.Fatal(err)
	}
	pid := p.cmd.Process.Pid
	if n := len(ps.family(pid)); n != 2 {
		t.Errorf("%d processes, want 2", n)
	}
	for _, member := range ps.family(pid) {
		if member != pid {
			defer syscall.Kill(member, syscall.SIGKILL) // a shell that is ended leaves its child behind
		}
	}
	if got := p.said(); got != "said" {
		t.Errorf("it said %q", got)
	}
	if _, err := l.start(t.Context(), "broken", true, ready, "sh", "-c", "echo no such luck >&2; exit 4"); err != nil {
		t.Errorf("its condition holds already: %v", err)
	}
	os.Remove(up)
	if _, err := l.start(t.Context(), "broken", true, ready, "sh", "-c", "echo no such luck >&2; exit 4"); err == nil ||
		!strings.Contains(err.Error(), "exit status 4") || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("a server that ends at once: %v", err)
	}
	if err := l.run(t.Context(), "sh", "-c", "echo wrong; exit 1"); err == nil || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("a failing program: %v", err)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the server is still there: %v", err)
	}
	if _, err := os.Stat(l.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}
