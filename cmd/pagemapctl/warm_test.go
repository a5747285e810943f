package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // to write what no command writes

	"pagemap/render/cache/memcachetest"
)

func sqlExec(t *testing.T, dsn, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// old gives a site's files another day: what was just written is not kept.
func (s *site) old() {
	s.t.Helper()
	day := time.Now().Add(-24 * time.Hour)
	err := filepath.Walk(s.tree, func(name string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(name, day, day)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// responder starts the real one over the site's database, and returns its URL.
func (s *site) responder() string {
	s.t.Helper()
	program := filepath.Join(s.t.TempDir(), "pagemapd")
	if out, err := exec.Command("go", "build", "-o", program, "../pagemapd").CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "--http", "127.0.0.1:0", "--log-level", "error")
	cmd.Env = os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // how it ends is no matter here
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSuffix(url, "/\n")
}

func TestWarm(t *testing.T) {
	memcached := memcachetest.Start(t, memcachetest.Options{})
	s := populated(t)
	s.old()
	contains(t, s.run(2, "warm").err, "--memcached")
	s.env["PAGEMAP_MEMCACHED"] = memcached.Addr()
	contains(t, s.run(1, "warm").err, "hits import", "--all")

	log := ""
	for i, target := range []string{"/about.html", "/about.html", "/docs/a%20b.html", "/docs/a%20b.html", "/docs/a%20b.html", "/index.html", "/moved/x", "/files/tool.zip"} {
		log += logLine(10+i, "GET", target, 200, "-")
	}
	s.run(0, "hits", "import", writeLog(t, "access.log", log))
	if out := s.run(0, "warm", "--dry-run", "--limit", "2").out; out != "/docs/a%20b.html\n/about.html\n2 pages would be drawn\n" {
		t.Errorf("warm --dry-run: %q", out)
	}
	contains(t, s.run(0, "warm", "--limit", "2").out, "2 pages: 2 drawn, 0 already there, 0 data or redirects, 0 failed")
	contains(t, s.run(0, "warm").out, "4 pages: 1 drawn, 2 already there, 1 data or redirects, 0 failed")

	url := s.responder()
	for _, target := range []string{"/docs/a%20b.html", "/about.html", "/"} {
		for i, want := range []string{"pagemap; hit; detail=memcached", "pagemap; hit"} {
			r, err := http.Get(url + target)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if got := r.Header.Get("Cache-Status"); r.StatusCode != 200 || got != want {
				t.Errorf("%s, answer %d: %d, Cache-Status: %s, want %s", target, i+1, r.StatusCode, got, want)
			}
		}
	}

	s.runWith("path,status,source\n/wiki.html,200,wiki:Page\n/lost.html,200,file:/lost.html\n/all/*,200,file:/docs/*\n", "page", "set", "-")
	r := s.run(1, "warm", "--all", "--json", "--jobs", "3")
	var report warmReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Pages != 6 || report.Ready != 3 || report.NotPages != 1 || fmt.Sprint(report.Failed["404 Not Found"]) != "[/lost.html]" || fmt.Sprint(report.Failed["503 Service Unavailable"]) != "[/wiki.html]" {
		t.Errorf("warm --all: %+v", report)
	}
	contains(t, s.run(1, "warm", "--all").out, "404 Not Found: 1", "/lost.html")
	contains(t, s.run(2, "warm", "--jobs", "0").err, "--jobs")

	memcached.Kill()
	contains(t, s.run(3, "warm", "--all").err, "memcached does not answer")
}
