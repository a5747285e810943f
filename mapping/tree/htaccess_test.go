// Tests of what an .htaccess restricts, judged by real Apache.

package tree_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pagemap/deploy/apache/apachetest"
	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// accessCases are .htaccess files and which of page.html and error.log they restrict.
// lax: Apache itself serves the restricted file; pagemap is on the safe side.
var accessCases = []struct {
	name     string
	htaccess string
	page     bool // page.html is restricted
	log      bool // error.log is restricted
	lax      bool
	noApache bool // needs what the test's Apache has not
}{
	{name: "empty"},
	{name: "comment", htaccess: "# Require all denied\n   # Deny from all \\\nRequire all denied\n"},
	{name: "denied", htaccess: "Require all denied", page: true, log: true},
	{name: "denied in any case", htaccess: "rEqUiRe ALL Denied\r\n", page: true, log: true},
	{name: "granted", htaccess: "Require all granted\n"},
	{name: "granted among others", htaccess: "Require ip 192.0.2.1\nRequire all granted\n"},
	{name: "user", htaccess: "AuthType Basic\nAuthName \"Members only\"\nAuthUserFile /none\nRequire valid-user\n", page: true, log: true},
	{name: "ip", htaccess: "Require ip 192.0.2.0/24\n", page: true, log: true},
	{name: "env", htaccess: "Require env letmein\n", page: true, log: true},
	{name: "expr", htaccess: "Require expr %{TIME_YEAR} == '1999'\n", page: true, log: true},
	{name: "method", htaccess: "Require method GET\n", page: true, log: true, lax: true},
	{name: "continued", htaccess: "Require \\\n  all \\\r\n denied\n", page: true, log: true},
	{name: "continued to the end", htaccess: "Require all \\\ndenied\\", page: true, log: true},
	{name: "quoted", htaccess: "Require 'all' \"denied\"\n", page: true, log: true},
	{name: "all of them", htaccess: "<RequireAll>\nRequire all granted\nRequire not ip 192.0.2.1\nRequire not env bad\n</RequireAll>\n"},
	{name: "all but", htaccess: "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 192.0.2.1\nRequire host bad.example\n</RequireNone>\n</RequireAll>\n"},
	{name: "all with one", htaccess: "<RequireAll>\nRequire all granted\nRequire ip 192.0.2.1\n</RequireAll>\n", page: true, log: true},
	{name: "all but everybody", htaccess: "<RequireAll>\nRequire all granted\nRequire not ip 0.0.0.0/0\n</RequireAll>\n", page: true, log: true},
	{name: "any", htaccess: "<RequireAny>\nRequire ip 192.0.2.1\nRequire all granted\n</RequireAny>\n"},
	{name: "any of few", htaccess: "<RequireAny>\nRequire ip 192.0.2.1\nRequire host x.example\n</RequireAny>\n", page: true, log: true},
	{name: "none in all", htaccess: "<RequireAll>\n<RequireNone>\nRequire all denied\n</RequireNone>\nRequire all granted\n</RequireAll>\n", page: true, log: true, lax: true},

	{name: "deny all", htaccess: "Order deny,allow\nDeny from all\n", page: true, log: true},
	{name: "deny all alone", htaccess: "deny from all\n", page: true, log: true},
	{name: "deny, but allow some", htaccess: "Order deny,allow\nDeny from all\nAllow from 192.0.2.1\n", page: true, log: true},
	{name: "deny, but allow all", htaccess: "Order Deny,Allow\nDeny from all\nAllow from all\n"},
	{name: "allow, but deny all", htaccess: "Order allow,deny\nAllow from all\nDeny from all\n", page: true, log: true},
	{name: "allow all", htaccess: "Order allow,deny\nAllow from all\n"},
	{name: "allow some", htaccess: "Order allow,deny\nAllow from 192.0.2.1\n", page: true, log: true},
	{name: "order alone", htaccess: "Order allow,deny\n", page: true, log: true},
	{name: "order deny,allow alone", htaccess: "Order deny,allow\n"},
	{name: "mutual failure", htaccess: "Order mutual-failure\nAllow from all\n"},
	{name: "ban", htaccess: "Order allow,deny\nAllow from all\nDeny from 192.0.2.1\n"},
	{name: "ban of a mark", htaccess: "SetEnvIf Referer evil bad\nOrder allow,deny\nAllow from all\nDeny from env=bad\n"},
	{name: "only the marked", htaccess: "SetEnvIf Referer good ok\nDeny from env=!ok\n", page: true, log: true},
	{name: "ban of the world", htaccess: "Deny from 0.0.0.0/0\n", page: true, log: true},
	{name: "satisfy", htaccess: "Satisfy any\nOrder allow,deny\nDeny from all\n", page: true, log: true, lax: true},

	{name: "auth without require", htaccess: "AuthType Basic\nAuthName x\n", page: true, log: true, lax: true},
	{name: "auth, but granted", htaccess: "AuthName x\nAuthUserFile /none\nRequire all granted\n"},
	{name: "FrontPage", htaccess: "IndexIgnore .htaccess */.??*\n<Limit GET POST>\norder deny,allow\ndeny from all\nallow from all\n</Limit>\n" +
		"<Limit PUT DELETE>\norder deny,allow\ndeny from all\n</Limit>\nAuthName www.example.com\nAuthUserFile /x/service.pwd\n"},
	{name: "limit to others", htaccess: "<Limit POST PUT>\nDeny from all\n<RequireAll>\nRequire all denied\n</RequireAll>\n</Limit>\n"},
	{name: "limit", htaccess: "<Limit get GET>\nRequire valid-user\n</Limit>\nAuthType Basic\nAuthName x\nAuthUserFile /none\n", page: true, log: true},
	{name: "limit except", htaccess: "<LimitExcept GET POST>\nDeny from all\n</LimitExcept>\n"},
	{name: "limit except others", htaccess: "<LimitExcept POST>\nDeny from all\n</LimitExcept>\n", page: true, log: true},

	{name: "files", htaccess: "<Files error.log>\nRequire all denied\n</Files>\n", log: true},
	{name: "files wildcard", htaccess: "<files \"*.lo?\">\nDeny from all\n</FILES>\n", log: true},
	{name: "files negated set", htaccess: "<Files \"[!p]*\">\nDeny from all\n</Files>\n", log: true},
	{name: "files regexp", htaccess: "<Files ~ \"\\.(log|sql)$\">\nOrder allow,deny\nDeny from all\n</Files>\n", log: true},
	{name: "filesmatch", htaccess: "<FilesMatch \"^err\">\nRequire all denied\n</FilesMatch>\n", log: true},
	{name: "filesmatch case", htaccess: "<FilesMatch \"^ERR\">\nRequire all denied\n</FilesMatch>\n"},
	{name: "filesmatch flag", htaccess: "<FilesMatch \"(?i)^ERR\">\nRequire all denied\n</FilesMatch>\n", log: true},
	{name: "filesmatch lookahead", htaccess: "<FilesMatch \"^(?!page).*$\">\nRequire all denied\n</FilesMatch>\n", page: true, log: true, lax: true},
	{name: "files of a variable", htaccess: "<Files \"${NONE}error.log\">\nRequire all denied\n</Files>\n", page: true, log: true, lax: true},
	{name: "files granted again", htaccess: "Require all denied\n<Files page.html>\nRequire all granted\n</Files>\n", page: true, log: true, lax: true},
	{name: "dotfiles", htaccess: "<Files .htaccess>\nDeny from all\n</Files>\n<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n"},
	{name: "only some files", htaccess: "<FilesMatch \"\\.(html|css)$\">\nRequire all granted\n</FilesMatch>\n"},

	{name: "if module", htaccess: "<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n<IfModule !mod_authz_core.c>\nOrder allow,deny\nDeny from all\n</IfModule>\n", page: true, log: true},
	{name: "if module granted", htaccess: "<IfModule mod_authz_core.c>\nRequire all granted\n</IfModule>\n<IfModule !mod_authz_core.c>\nOrder allow,deny\nAllow from all\n</IfModule>\n"},
	{name: "if not", htaccess: "<IfDefine NONE>\nRequire all denied\n</IfDefine>\n", page: true, log: true, lax: true},
	{name: "if files", htaccess: "<IfModule mod_authz_core.c>\n<Files *.log>\nRequire all denied\n</Files>\n</IfModule>\n", log: true},
	{name: "files if", htaccess: "<Files *.log>\n<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n</Files>\n", log: true},
	{name: "if expression", htaccess: "<If \"%{HTTP_HOST} == 'x.example'\">\nRequire all denied\n</If>\n<Else>\nRequire all granted\n</Else>\n", page: true, log: true, lax: true},

	{name: "unclosed", htaccess: "<Files error.log>\n", page: true, log: true},
	{name: "closed wrongly", htaccess: "<Files error.log>\n</FilesMatch>\n", page: true, log: true},
	{name: "closed without", htaccess: "</Files>\n", page: true, log: true},
	{name: "no bracket", htaccess: "<Files error.log\nRequire all denied\n</Files>\n", page: true, log: true},
	{name: "other directives", htaccess: "Options -Indexes\nErrorDocument 404 /404.html\nAddType text/html .log\n"},
	{name: "ssl client", htaccess: "SSLVerifyClient require\n", page: true, log: true, noApache: true},
	{name: "ssl client none", htaccess: "SSLVerifyClient none\nSSLRequireSSL\n", noApache: true},
	{name: "ssl require", htaccess: "SSLRequire %{SSL_CIPHER} eq \"x\"\n", page: true, log: true, noApache: true},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeCases writes one directory for each case, all below dir.
func writeCases(t *testing.T, dir string) {
	t.Helper()
	for i, tt := range accessCases {
		at := fmt.Sprintf("%s/%d", dir, i)
		must(t, os.MkdirAll(at+"/sub", 0o755))
		must(t, os.WriteFile(at+"/.htaccess", []byte(tt.htaccess), 0o644))
		for _, name := range []string{"page.html", "error.log", "sub/page.html", "sub/error.log"} {
			must(t, os.WriteFile(at+"/"+name, []byte("content"), 0o644))
		}
	}
}

// modules are those that .htaccess files of old sites count on.
const modules = `
LoadModule authn_core_module "/usr/lib/apache2/modules/mod_authn_core.so"
LoadModule authn_file_module "/usr/lib/apache2/modules/mod_authn_file.so"
LoadModule authz_user_module "/usr/lib/apache2/modules/mod_authz_user.so"
LoadModule auth_basic_module "/usr/lib/apache2/modules/mod_auth_basic.so"
`

func TestAccess(t *testing.T) {
	root := apachetest.Dir(t)
	writeCases(t, root)
	tr, err := tree.Open(root, tree.Options{})
	must(t, err)
	defer tr.Close()
	legacy := apachetest.Start(t, apachetest.Options{Server: modules, Site: fmt.Sprintf(
		"DocumentRoot %q\n<Directory %[1]q>\nAllowOverride All\nRequire all granted\n</Directory>\n", root)})

	restrictions, err := tr.Restrictions(t.Context())
	must(t, err)
	var denials strings.Builder
	for _, r := range restrictions {
		denials.WriteString(r.Apache(root))
	}
	denied := apachetest.Start(t, apachetest.Options{Server: modules, Site: fmt.Sprintf(
		"DocumentRoot %q\n<Directory %[1]q>\nAllowOverride None\nRequire all granted\n</Directory>\n%s", root, denials.String())})

	for i, tt := range accessCases {
		t.Run(tt.name, func(t *testing.T) {
			for name, restricted := range map[string]bool{
				"page.html": tt.page, "error.log": tt.log, "sub/page.html": tt.page, "sub/error.log": tt.log,
			} {
				p := fmt.Sprintf("/%d/%s", i, name)
				_, err := tr.Stat(mapping.Path(p))
				if (err != nil) != restricted {
					t.Errorf("%s: %v, want restricted: %t", name, err, restricted)
				}
				if status := get(t, denied.URL+p); status != map[bool]int{true: 403, false: 200}[restricted] {
					t.Errorf("%s: the printed denials give %d", name, status)
				}
				if tt.noApache {
					continue
				}
				status := get(t, legacy.URL+p)
				switch {
				case status != 200 && !restricted:
					t.Errorf("%s is served where Apache answers %d", name, status)
				case status == 200 && restricted && !tt.lax:
					t.Errorf("%s is restricted where Apache serves it", name)
				}
			}
			if tt.lax && get(t, fmt.Sprintf("%s/%d/page.html", legacy.URL, i)) != 200 {
				t.Errorf("Apache restricts this too: the case is not lax")
			}
		})
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

// TestApacheNames prints denials of directories and files with hostile names.
func TestApacheNames(t *testing.T) {
	root := apachetest.Dir(t)
	dirs := []string{
		"plain", "with space", `quote"d`, `back\slash`, "star*[a]?", "${PATH}", "%{x}", "dot.(x)+$", "caf\xe9", "#hash",
	}
	names := map[string]int{ // what the server answers in each
		`x"\y.html`: 403, "x.sub.html": 403, "x.html": 200, "x[1].html": 200,
	}
	const htaccess = `<Files "x\"\\\*y.html">` + "\nDeny from all\n</Files>\n" +
		`<Files "x\"\\y.html">` + "\nDeny from all\n</Files>\n" +
		`<FilesMatch "^x\.sub\b">` + "\nDeny from all\n</FilesMatch>\n"
	for _, d := range append(dirs, "open") {
		must(t, os.MkdirAll(filepath.Join(root, d, "sub"), 0o755))
		for name := range names {
			must(t, os.WriteFile(filepath.Join(root, d, "sub", name), nil, 0o644))
		}
		if d != "open" {
			must(t, os.WriteFile(filepath.Join(root, d, ".htaccess"), []byte(htaccess), 0o644))
		}
	}
	tr, err := tree.Open(root, tree.Options{})
	must(t, err)
	defer tr.Close()
	restrictions, err := tr.Restrictions(t.Context())
	must(t, err)
	if len(restrictions) != 3*len(dirs) {
		t.Errorf("restrictions: %+v", restrictions)
	}
	var denials strings.Builder
	for _, r := range restrictions {
		denials.WriteString(r.Apache(root))
	}
	s := apachetest.Start(t, apachetest.Options{Site: fmt.Sprintf(
		"DocumentRoot %q\n<Directory %[1]q>\nAllowOverride None\nRequire all granted\n</Directory>\n%s", root, denials.String())})
	for _, d := range append(dirs, "open") {
		for name, want := range names {
			p := mapping.PathOfFile(d + "/sub/" + name)
			if d == "open" {
				want = 200
			}
			if status := get(t, s.URL+string(p)); status != want {
				t.Errorf("%s: %d, want %d", p, status, want)
			}
			if _, err := tr.Stat(p); (err == nil) != (want == 200) {
				t.Errorf("%s: %v, Apache gives %d", p, err, want)
			}
		}
	}
}

func TestParseHtaccess(t *testing.T) {
	text := "\ufeff# old site\n" +
		"RewriteEngine On\n" +
		"RewriteRule ^a$ \\\n  b [R]\n\n" +
		"<IfModule mod_expires.c>\n  ExpiresActive On\n</IfModule>\n" +
		"<Files *.cgi>\nSetHandler cgi-script\n</Files>\n" +
		"Allow from all\n" +
		"Deny from 192.0.2.7\n" +
		"Redirect 301 \"/a b\" http://x.example/\n"
	h := tree.ParseHtaccess("/dir/", []byte(text))
	want := []tree.Directive{
		{Line: 2, Name: "RewriteEngine", Text: "RewriteEngine On"},
		{Line: 3, Name: "RewriteRule", Text: `RewriteRule ^a$   b [R]`},
		{Line: 7, Name: "ExpiresActive", Text: "ExpiresActive On"},
		{Line: 10, Name: "SetHandler", Text: "SetHandler cgi-script"},
		{Line: 14, Name: "Redirect", Text: `Redirect 301 "/a b" http://x.example/`},
	}
	if !slices.Equal(h.Directives, want) || h.Restrictions != nil || h.Dir != "/dir/" {
		t.Errorf("%+v, want %+v", h, want)
	}

	h = tree.ParseHtaccess("/", []byte("Order allow,deny\nAllow from all\nDeny from 192.0.2.7\nAuthName x\n"))
	if len(h.Directives) != 2 || h.Directives[0].Line != 3 || h.Directives[1].Line != 4 {
		t.Errorf("a ban: %+v", h)
	}

	h = tree.ParseHtaccess("/d/", []byte("<FilesMatch \"\\.sql$\">\n\nRequire all denied\n</FilesMatch>\n"))
	if got := []tree.Restriction{{Dir: "/d/", Files: `\.sql$`, Regexp: true, Line: 3, Text: "Require all denied"}}; !slices.Equal(h.Restrictions, got) {
		t.Errorf("%+v, want %+v", h.Restrictions, got)
	}
}

// FuzzParseHtaccess: nothing panics, a restriction's line is there, and a Require all
// denied at the end of a well-formed file always restricts everything.
func FuzzParseHtaccess(f *testing.F) {
	for _, tt := range accessCases {
		f.Add([]byte(tt.htaccess))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := tree.ParseHtaccess("/d/", text)
		lines := strings.Count(string(text), "\n") + 1
		for _, r := range h.Restrictions {
			if r.Line < 1 || r.Line > lines || r.Dir != "/d/" || r.Text == "" {
				t.Errorf("restriction %+v in %d lines", r, lines)
			}
			if printed := r.Apache("/srv/www"); strings.Count(printed, "\n") != strings.Count(tree.Restriction{Dir: "/", Files: r.Files}.Apache("/"), "\n") {
				t.Errorf("printed as %q", printed)
			}
		}
		for _, d := range h.Directives {
			if d.Line < 1 || d.Line > lines || d.Text == "" {
				t.Errorf("directive %+v in %d lines", d, lines)
			}
		}
		closed := append(slices.Clip(text), "\n\nRequire all denied\n"...)
		if got := tree.ParseHtaccess("/d/", closed); len(got.Restrictions) == 0 &&
			!strings.Contains(strings.ToLower(string(text)), "granted") &&
			!strings.Contains(strings.ToLower(string(text)), "limit") {
			t.Errorf("a Require all denied after %q restricts nothing: %+v", text, got)
		}
	})
}
