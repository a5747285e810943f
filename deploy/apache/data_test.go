package apache_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"pagemap/deploy/apache"
)

// What Apache serves itself, and what it must not, is the same on every way.
func TestData(t *testing.T) {
	for _, way := range []apache.Way{apache.Socket, apache.FCGID} {
		t.Run(string(way), func(t *testing.T) {
			// As hostile as old servers are: programs run and directories are listed wherever that is not undone.
			s := up(t, options{way: way, server: `
				<Directory "/tmp">
				  Options Indexes FollowSymLinks ExecCGI MultiViews
				  AllowOverride All
				</Directory>
				LogLevel crit`, vhost: `
				<FilesMatch "\.(pdf|txt)$">
				  SetHandler type-map
				</FilesMatch>`})
			testData(t, s)
		})
	}
}

func testData(t *testing.T, s *stack) {
	const fromApache, fromPagemap = true, false
	tests := []struct {
		name   string
		method string // "" is GET
		target string
		status int
		by     bool
		body   string // file of the tree whose bytes are expected
		header map[string]string
	}{
		{name: "a file", target: "/data/small.txt", status: 200, by: fromApache, body: "small.txt",
			header: map[string]string{"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": ""}},
		{name: "a file without a type", target: "/data/notype", status: 200, by: fromApache, body: "notype",
			header: map[string]string{"Content-Type": "", "X-Content-Type-Options": "nosniff"}},
		{name: "a page", target: "/data/about.html", status: 200, by: fromApache, body: "about.html",
			header: map[string]string{"X-Robots-Tag": "noindex"}},
		{name: "a large file", target: "/data/big.html", status: 200, by: fromApache, body: "big.html"},
		{name: "an escaped name", target: "/data/a%20b%25.html", status: 200, by: fromApache, body: "a b%.html"},
		{name: "a part", target: "/data/0123.txt", status: 206, by: fromApache, header: map[string]string{"Content-Range": "bytes 2-4/20"}},
		{name: "HEAD", method: "HEAD", target: "/data/small.txt", status: 200, by: fromApache, header: map[string]string{"Content-Length": "6"}},
		{name: "the root", target: "/data/", status: 404, by: fromApache},
		{name: "the root without slash", target: "/data", status: 404, by: fromApache},
		{name: "a directory", target: "/data/docs/", status: 404, by: fromApache},
		{name: "a directory without slash", target: "/data/docs", status: 404, by: fromApache},
		{name: "a directory without index", target: "/data/noindex/", status: 404, by: fromApache},
		{name: "nothing there", target: "/data/nothing", status: 404, by: fromApache},
		{name: "behind a file", target: "/data/small.txt/more", status: 404, by: fromApache},
		{name: "negotiated", target: "/data/about", status: 404, by: fromApache},
		{name: "PHP", target: "/data/prog.php", status: 404, by: fromApache},
		{name: "PHP in capitals", target: "/data/PROG.PHP", status: 404, by: fromApache},
		{name: "CGI", target: "/data/prog.cgi", status: 404, by: fromApache},
		{name: "CGI with path", target: "/data/prog.cgi/x", status: 404, by: fromApache},
		{name: "server-side include", target: "/data/page.shtml", status: 404, by: fromApache},
		{name: "included source", target: "/data/inc/db.inc", status: 404, by: fromApache},
		{name: "escaped dot of a program", target: "/data/prog%2ephp", status: 404, by: fromApache},
		{name: "no program, but executable", target: "/data/run.pl", status: 200, by: fromApache, body: "run.pl"},
		{name: "version control", target: "/data/.git/config", status: 404, by: fromApache},
		{name: "version control, escaped", target: "/data/%2egit/config", status: 404, by: fromApache},
		{name: "configuration", target: "/data/.htaccess", status: 404, by: fromApache},
		{name: "configuration below", target: "/data/private/.htaccess", status: 404, by: fromApache},
		{name: "dotfile", target: "/data/.env", status: 404, by: fromApache},
		{name: "hidden page", target: "/data/docs/.hidden.html", status: 404, by: fromApache},
		{name: "hidden page, doubled slash", target: "//data//docs//.hidden.html", status: 404, by: fromApache},
		{name: "well-known", target: "/data/.well-known/security.txt", status: 200, by: fromApache, body: ".well-known/security.txt"},
		{name: "backup", target: "/data/old.html~", status: 404, by: fromApache},
		{name: "leftover", target: "/data/old.bak", status: 404, by: fromApache},
		{name: "escaping link", target: "/data/links/escape.txt", status: 403, by: fromApache},
		{name: "absolute link", target: "/data/links/absolute.txt", status: 403, by: fromApache},
		{name: "inward link", target: "/data/links/inside.pdf", status: 403, by: fromApache},
		{name: "linked directory", target: "/data/links/dir/guide.html", status: 403, by: fromApache},
		{name: "FIFO", target: "/data/fifo.html", status: 403, by: fromApache},
		{name: "restricted", target: "/data/private/secret.html", status: 403, by: fromApache},
		{name: "restricted below", target: "/data/private/sub/secret.pdf", status: 403, by: fromApache},
		{name: "restricted directory", target: "/data/private/", status: 403, by: fromApache},
		{name: "restricted, roundabout", target: "/data/docs/../private//secret.html", status: 403, by: fromApache},
		{name: "POST", method: "POST", target: "/data/small.txt", status: 405, by: fromApache},
		{name: "PUT", method: "PUT", target: "/data/small.txt", status: 405, by: fromApache},
		{name: "DELETE", method: "DELETE", target: "/data/small.txt", status: 405, by: fromApache},
		{name: "TRACE", method: "TRACE", target: "/data/small.txt", status: 405, by: fromApache},

		{name: "out of /data", target: "/data/../about.html", status: 301, by: fromPagemap},
		{name: "out of /data, escaped", target: "/data/%2e%2e/about.html", status: 301, by: fromPagemap},
		{name: "out of the tree", target: "/data/../../etc/passwd", status: 400, by: fromApache},
		{name: "out of the tree, escaped slash", target: "/data/..%2f..%2fetc/passwd", status: 404, by: fromApache},
		{name: "into /data", target: "/x/../data/small.txt", status: 200, by: fromApache, body: "small.txt"},
		{name: "escaped letter", target: "/%64ata/small.txt", status: 200, by: fromApache, body: "small.txt"},
		{name: "doubled slash", target: "//data/small.txt", status: 200, by: fromApache, body: "small.txt"},
		{name: "escaped slash", target: "/data%2fsmall.txt", status: 404, by: fromApache},
		{name: "capitals", target: "/DATA/small.txt", status: 404, by: fromPagemap},
		{name: "longer name", target: "/datax", status: 404, by: fromPagemap},
		{name: "parameter", target: "/data;x/small.txt", status: 404, by: fromPagemap},
	}
	if err := s.world.Write("run.pl", "#!/bin/sh\necho 'Content-Type: text/plain'; echo; echo RAN\n"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.world.Dir+"/run.pl", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			var header []string
			if tt.status == 206 {
				header = append(header, "Range: bytes=2-4")
			}
			r := get(t, s.Addr, method, tt.target, header...)
			if r.StatusCode != tt.status {
				t.Errorf("%s %s: status %d, want %d\n%s", method, tt.target, r.StatusCode, tt.status, r.body)
			}
			// pagemapd sends Cache-Control with everything, Apache with nothing.
			if by := r.Header.Get("Cache-Control") == ""; by != tt.by {
				t.Errorf("%s %s: answered by Apache: %v, want %v", method, tt.target, by, tt.by)
			}
			if strings.Contains(r.body, "secret") || strings.Contains(r.body, "root:") || strings.Contains(r.body, "RAN\n") && tt.body == "" {
				t.Errorf("%s %s: the body shows what it must not: %s", method, tt.target, r.body)
			}
			if tt.body != "" {
				want, err := os.ReadFile(s.world.Dir + "/" + tt.body)
				if err != nil {
					t.Fatal(err)
				}
				if r.body != string(want) {
					t.Errorf("%s %s: %d bytes, not the %d of the file", method, tt.target, len(r.body), len(want))
				}
			}
			for name, want := range tt.header {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s %s: %s: %q, want %q", method, tt.target, name, got, want)
				}
			}
		})
	}
}
