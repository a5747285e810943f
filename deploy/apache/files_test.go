package apache_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/deploy/apache/apachetest"
)

// Each shipped file works as it is: included in a virtual host, with settings
// from Define alone.
func TestShippedFiles(t *testing.T) {
	bin := program(t)
	tests := []struct {
		file   string
		listen string // of pagemapd; "": mod_fcgid starts it
		fcgid  bool
		define map[string]string
	}{
		{file: "pagemap.conf", listen: "unix:SOCKET", define: map[string]string{"PAGEMAP_SOCKET": "SOCKET"}},
		{file: "pagemap-tcp.conf", listen: "tcp:ADDRESS", define: map[string]string{"PAGEMAP_ADDRESS": "ADDRESS"}},
		{file: "pagemap-balancer.conf", listen: "tcp:ADDRESS", define: map[string]string{"PAGEMAP_SOCKET": "SOCKET", "PAGEMAP_MEMBER1": "ADDRESS"}},
		{file: "pagemap-fcgid.conf", fcgid: true, define: map[string]string{"PAGEMAP_BIN": bin, "PAGEMAP_CONFIG": "CONFIG"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			dir := apachetest.Dir(t)
			write(t, filepath.Join(dir, "tree/index.html"), "<p>a page\n")
			write(t, filepath.Join(dir, "tree/a.bin"), "data\n")
			write(t, filepath.Join(dir, "acme/.well-known/acme-challenge/token"), "challenge\n")
			config := filepath.Join(dir, "pagemap.conf")
			write(t, config, "tree = "+dir+"/tree\nworkers = 1\n")
			values := strings.NewReplacer("SOCKET", filepath.Join(dir, "pagemap.sock"), "ADDRESS", apachetest.FreeAddr(t), "CONFIG", config)
			if tt.listen != "" {
				startDaemon(t, "--config", config, "--listen", values.Replace(tt.listen), "--socket-mode", "0666")
			}
			defines := map[string]string{"PAGEMAP_TREE": dir + "/tree", "PAGEMAP_ACME": dir + "/acme"}
			for name, value := range tt.define {
				defines[name] = values.Replace(value)
			}
			s := apachetest.Start(t, apachetest.Options{
				Site: `Include "${PAGEMAP_CONF}/` + tt.file + `"`, Defines: defines, FCGID: tt.fcgid,
			})
			// The responder may still be starting.
			var page reply
			eventually(t, apacheWait, "the page", func() bool {
				page = get(t, s.Addr, "GET", "/")
				return page.StatusCode != 503
			})
			for _, want := range []struct{ target, body string }{
				{"/", "<p>a page\n"},
				{"/data/a.bin", "data\n"},
				{"/.well-known/acme-challenge/token", "challenge\n"},
			} {
				r := get(t, s.Addr, "GET", want.target)
				if r.StatusCode != 200 || r.body != want.body || r.ContentLength != int64(len(want.body)) {
					t.Errorf("GET %s: %d %q, Content-Length %d", want.target, r.StatusCode, r.body, r.ContentLength)
				}
			}
			if r := get(t, s.Addr, "GET", "/a.bin"); r.StatusCode != 302 || r.Header.Get("Location") != "/data/a.bin" {
				t.Errorf("GET /a.bin: %d %v", r.StatusCode, r.Header)
			}
		})
	}
}

// A balancer goes on with the members that are there, and takes one back at once.
func TestBalancerFailover(t *testing.T) {
	dir := apachetest.Dir(t)
	write(t, filepath.Join(dir, "tree/index.html"), "<p>a page\n")
	socket, address := filepath.Join(dir, "pagemap.sock"), apachetest.FreeAddr(t)
	args := []string{"--tree", dir + "/tree", "--workers", "1", "--socket-mode", "0666", "--connection-ttl", "1s"}
	here := startDaemon(t, append(args, "--listen", "unix:"+socket)...)
	there := startDaemon(t, append(args, "--listen", "tcp:"+address)...)
	here.awaitSocket(t, socket)
	s := apachetest.Start(t, apachetest.Options{
		Site:    `Include "${PAGEMAP_CONF}/pagemap-balancer.conf"`,
		Defines: map[string]string{"PAGEMAP_TREE": dir + "/tree", "PAGEMAP_SOCKET": socket, "PAGEMAP_MEMBER1": address, "PAGEMAP_TTL": "1"},
	})
	all := func(when string) {
		t.Helper()
		for range 20 {
			if r := get(t, s.Addr, "GET", "/"); r.StatusCode != 200 {
				t.Fatalf("%s: status %d", when, r.StatusCode)
			}
		}
	}
	eventually(t, apacheWait, "both members", func() bool { return get(t, s.Addr, "GET", "/").StatusCode == 200 })
	all("both")
	here.stop(t)
	all("without the first")
	again := startDaemon(t, append(args, "--listen", "unix:"+socket)...)
	again.awaitSocket(t, socket)
	there.stop(t)
	eventually(t, apacheWait, "the first to be back", func() bool { return get(t, s.Addr, "GET", "/").StatusCode == 200 })
	all("without the second")
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
