// What Write made of a table for Apache's and nginx's maps, in these servers.

package exchange

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
	"pagemap/mapping"
)

// used is what the comments of a map tell to write into the server's configuration,
// in so many parts, one behind each line that ends in a colon.
func used(t *testing.T, text, file string) (parts []string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		switch said, comment := strings.CutPrefix(line, "#"); {
		case comment && strings.HasPrefix(said, "   "):
			parts[len(parts)-1] += strings.ReplaceAll(said, "FILE", file) + "\n"
		case comment && strings.HasSuffix(said, ":"):
			parts = append(parts, "")
		}
	}
	if len(parts) == 0 {
		t.Fatalf("the map does not say how it is used:\n%s", text)
	}
	return parts
}

func TestRewriteMapInApache(t *testing.T) {
	testMaps(t, RewriteMap, func(t *testing.T, text, file string) *server {
		return startSite(t, filepath.Dir(file), used(t, text, file)[0], ReadOptions{Format: RewriteMap})
	})
}

func TestNginxMapInNginx(t *testing.T) {
	testMaps(t, NginxMap, func(t *testing.T, text, file string) *server {
		parts := used(t, text, file)
		addr, errors := startNginx(t, parts[0], parts[1])
		return newServer(t, addr, errors, ReadOptions{Format: NginxMap})
	})
}

// testMaps writes random tables to a file, has it served, and compares.
func testMaps(t *testing.T, f Format, serve func(t *testing.T, text, file string) *server) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			// Without chains: a server follows none, and knows no twins on their way.
			pages := slices.DeleteFunc(randomPages(rand.New(rand.NewPCG(seed, 9)), 250), func(p mapping.Page) bool {
				return p.Pattern == "/*" || strings.HasPrefix(p.Source, "/") && !strings.HasPrefix(p.Source, "/t")
			})
			var b strings.Builder
			left, err := Write(&b, f, all(pages), WriteOptions{IndexNames: []string{"index.html"}})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(apachetest.Dir(t), "moved.map")
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			in, asked := serve(t, b.String(), file).compare(b.String(), held(pages, left), func(string) bool { return false })
			t.Logf("%d pages, %d rows, %d targets", len(pages), len(in.Rows), asked)
			if t.Failed() {
				t.Log(b.String())
			}
		})
	}
}

// withoutLoops are the pages but for redirects that never end, which are no matter
// of a format's.
func withoutLoops(pages []mapping.Page) []mapping.Page {
	rows := mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, p := range pages {
			if !yield(p.Row) {
				return
			}
		}
	})
	check := &mapping.Resolver{Rows: rows, Hosts: hosts, IndexNames: []string{"index.html"}}
	return slices.DeleteFunc(pages, func(p mapping.Page) bool { return check.CheckRedirect(p.Row) != nil })
}

// held are the paths of the pages that were written.
func held(pages []mapping.Page, left []Left) (paths []string) {
	for _, p := range pages {
		if !slices.ContainsFunc(left, func(l Left) bool { return l.Pattern == p.Pattern && !l.Written }) {
			path, _, _ := strings.Cut(strings.TrimSuffix(p.Pattern, "*"), "?")
			paths = append(paths, path)
		}
	}
	return paths
}

// startNginx serves nothing but what directives for all servers and for this one
// say, and returns where, and what it complained of.
func startNginx(t *testing.T, http, site string) (addr string, errors func() []string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := apachetest.Dir(t)
	config, log := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "error.log")
	for range 5 { // another process may take the free port before nginx does
		addr = apachetest.FreeAddr(t)
		text := fmt.Sprintf(`pid %[1]s/pid;
error_log %[2]s warn;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  keepalive_requests 100000;
%[3]s
  server {
    listen %[4]s;
%[5]s
    location / { return 404; }
  }
}
`, dir, log, http, addr, site)
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := exec.Command(program, "-p", dir, "-e", log, "-c", config, "-g", "daemon off;")
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan struct{})
		go func() { _ = cmd.Wait(); close(exited) }() // what it said tells why
		t.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			<-exited
		})
		if accepts(addr, exited) {
			return addr, func() []string {
				said, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				return strings.FieldsFunc(string(said), func(r rune) bool { return r == '\n' })
			}
		}
		if !strings.Contains(out.String(), "Address already in use") {
			t.Fatalf("nginx did not start: %s", &out)
		}
	}
	t.Fatal("nginx did not start: no free port")
	return "", nil
}

// accepts waits until a server accepts connections; false where it ended.
func accepts(addr string, exited <-chan struct{}) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close() // nothing was sent
			return true
		}
		select {
		case <-exited:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return false
}
