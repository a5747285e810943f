package apache_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/deploy/apache"
	"pagemap/deploy/apache/apachetest"
	"pagemap/mapping/postgres/pgtest"
	"pagemap/render/cache/memcachetest"
)

// adminModules are what signing in needs of Apache, beyond what the private one has.
var adminModules = []string{
	"authn_core", "authn_file", "authz_user", "auth_basic", "auth_form", "request", "session", "session_cookie", "session_crypto", "ldap", "authnz_ldap",
}

// adminLayout is what the site's pages look like.
const adminLayout = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title><!--pagemap:title--></title><div id="content"><!--pagemap:body select="#content"--></div></html>`

// adminSite is a site with an admin page behind Apache.
type adminSite struct {
	*apachetest.Server
	dsn  string
	tree string
}

// adminOptions of upAdmin.
type adminOptions struct {
	way   string            // how users sign in
	vhost string            // further directives of the virtual host
	edge  bool              // with the edge cache
	files map[string]string // beyond a few, below tree/, wiki/ or looks/

	rows func(t testing.TB, dsn string) // fills the page table before anybody reads it; nil: it is empty
}

// upAdmin brings up a site with an admin page: maria and ivo are its editors, nora is a reader, otto nobody.
func upAdmin(t testing.TB, o adminOptions) *adminSite {
	t.Helper()
	var load strings.Builder
	for _, name := range adminModules {
		file := "/usr/lib/apache2/modules/mod_" + name + ".so"
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&load, "LoadModule %s_module %s\n", name, file)
	}
	dir := apachetest.Dir(t)
	for name, content := range map[string]string{
		"tree/index.html": "<h1>home</h1>\n", "tree/private/index.html": "<h1>private</h1>\n", "wiki/About.md": "# About us\n", "looks/layout.html": adminLayout, "secret": secret + "\n",
		"users": "", "cookie": `Define PAGEMAP_ADMIN_COOKIE ";HttpOnly;SameSite=Strict"` + "\n", // without Secure: the tests speak plain HTTP
	} {
		write(t, filepath.Join(dir, name), content)
	}
	for name, content := range o.files {
		write(t, filepath.Join(dir, name), content)
	}
	if err := os.Chmod(filepath.Join(dir, "secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	htpasswd, err := exec.LookPath("htpasswd")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("htpasswd is not installed")
		}
		t.Skip("htpasswd is not installed")
	}
	for _, user := range []string{"maria", "ivo", "nora", "otto"} {
		if out, err := exec.CommandContext(t.Context(), htpasswd, "-b", "-B", "-C", "4", filepath.Join(dir, "users"), user, "pass-"+user).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	s := &adminSite{dsn: pgtest.Database(t), tree: dir + "/tree"}
	fill(t, s.dsn, nil)
	if o.rows != nil {
		o.rows(t, s.dsn)
	}
	socket := filepath.Join(dir, "pagemap.sock")
	d := startDaemon(t, "--tree", dir+"/tree", "--wiki", dir+"/wiki", "--looks", dir+"/looks", "--database", s.dsn, "--memcached", memcachetest.Start(t, memcachetest.Options{TCP: true}).Addr(), "--site", "http://"+host, "--site-alias", "127.0.0.1", "--listen", "unix:"+socket, "--socket-mode", "0666", "--workers", "2",
		"--admin-page", "/pagemap-admin/", "--admin-page-secret-file", dir+"/secret", "--admin-page-editors", "maria,ivo", "--admin-page-readers", "nora")
	d.awaitSocket(t, socket)
	var b bytes.Buffer
	err = apache.Render(&b, apache.Options{
		Way: apache.Socket, Tree: dir + "/tree", ACME: dir, Socket: socket, TTL: 1, Edge: o.edge,
		Admin: o.way, AdminPath: "/pagemap-admin", AdminSecret: secret, AdminUsers: dir + "/users", AdminLDAP: "ldap://127.0.0.1:1/dc=example?uid",
	})
	if err != nil {
		t.Fatal(err)
	}
	// Another area of the same site that asks for a password.
	private := `<Location "/private">
  AuthType Basic
  AuthName private
  AuthBasicProvider file
  AuthUserFile "` + dir + `/users"
  Require valid-user
</Location>
`
	s.Server = apachetest.Start(t, apachetest.Options{Site: fmt.Sprintf("Include %q\n", dir+"/cookie") + b.String() + private + o.vhost, Server: load.String()})
	eventually(t, apacheWait, "the site", func() bool { return get(t, s.Addr, "GET", "/").StatusCode == 200 })
	return s
}

// request sends a request, and returns the answer with its body.
func (s *adminSite) request(t *testing.T, client *http.Client, user, method, path string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if user != "" {
		r.SetBasicAuth(user, "pass-"+user)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// client follows no redirect, and keeps cookies.
func client(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestAdminBasic(t *testing.T) {
	for _, edge := range []bool{false, true} {
		t.Run(fmt.Sprintf("edge %t", edge), func(t *testing.T) { adminBasic(t, edge) })
	}
}

func adminBasic(t *testing.T, edge bool) {
	s, c := upAdmin(t, adminOptions{way: "basic", edge: edge}), client(t)
	for _, tt := range []struct {
		name, user, path string
		header           []string
		status           int
	}{
		{name: "nobody", path: "/pagemap-admin/", status: 401},
		{name: "nobody, by another spelling", path: "//pagemap-admin/", status: 401},
		{name: "nobody, by a third one", path: "/%70agemap-admin/pages", status: 401},
		{name: "nobody, by a fourth one", path: "/x/..%2fpagemap-admin/", status: 404},
		{name: "nobody, by dot segments", path: "/x/../pagemap-admin/", status: 401},
		{name: "a header", path: "/pagemap-admin/", header: []string{"Remote-User", "maria", "Pagemap-Admin-Secret", secret}, status: 401},
		{name: "an editor", user: "maria", path: "/pagemap-admin/", status: 200},
		{name: "an editor, without the slash", user: "maria", path: "/pagemap-admin", status: 303},
		{name: "a reader", user: "nora", path: "/pagemap-admin/pages", status: 200},
		{name: "a user without a role", user: "otto", path: "/pagemap-admin/pages", status: 403},
		{name: "another protected area", user: "maria", path: "/private/", status: 200},
		{name: "the admin page out of another protected area", user: "maria", path: "/private/../pagemap-admin/import", status: 404},
		{name: "a dead end", user: "maria", path: "/pagemap-admin/nothing", status: 404},
	} {
		res, text := s.request(t, c, tt.user, "GET", tt.path, nil, tt.header...)
		if res.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d\n%s", tt.name, res.StatusCode, tt.status, text)
		}
		if tt.status != 200 && strings.Contains(text, "<nav") && tt.user != "maria" {
			t.Errorf("%s shows:\n%s", tt.name, text)
		}
		if strings.HasPrefix(tt.path, "/pagemap-admin/") && tt.status == 200 && res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", tt.name, res.Header)
		}
	}
	// Nothing that an editor saw is shown to nobody, with a cache in front or without.
	for range 3 {
		s.request(t, c, "maria", "GET", "/pagemap-admin/pages", nil)
		if res, text := s.request(t, c, "", "GET", "/pagemap-admin/pages", nil); res.StatusCode != 401 || strings.Contains(text, "<nav") {
			t.Errorf("after an editor: %d", res.StatusCode)
		}
	}
	// A change, and one of another site's.
	form := url.Values{"path": {"/new.html"}, "seen": {"0"}, "status": {"301"}, "source": {"/"}, "do": {"save"}}
	if res, _ := s.request(t, c, "maria", "POST", "/pagemap-admin/page", form, "Origin", "http://evil.example"); res.StatusCode != 403 {
		t.Errorf("another site's: %d", res.StatusCode)
	}
	if res, _ := s.request(t, c, "nora", "POST", "/pagemap-admin/page", form, "Origin", s.URL); res.StatusCode != 403 {
		t.Errorf("a reader's: %d", res.StatusCode)
	}
	if res, _ := s.request(t, c, "", "POST", "/pagemap-admin/page", form, "Origin", s.URL); res.StatusCode != 401 {
		t.Errorf("nobody's: %d", res.StatusCode)
	}
	if res, _ := s.request(t, c, "", "GET", "/new.html", nil); res.StatusCode != 404 {
		t.Errorf("something was written: %d", res.StatusCode)
	}
	if res, text := s.request(t, c, "maria", "POST", "/pagemap-admin/page", form, "Origin", s.URL); res.StatusCode != 303 {
		t.Fatalf("an editor's: %d\n%s", res.StatusCode, text)
	}
	eventually(t, apacheWait, "the redirect", func() bool {
		res, _ := s.request(t, c, "", "GET", "/new.html", nil)
		return res.StatusCode == 301
	})
	if _, text := s.request(t, c, "maria", "GET", "/pagemap-admin/changes", nil); !strings.Contains(text, "maria") {
		t.Error("the author is not recorded")
	}
}

func TestAdminForm(t *testing.T) {
	s, c := upAdmin(t, adminOptions{way: "form"}), client(t)
	res, text := s.request(t, c, "", "GET", "/pagemap-admin/", nil)
	if res.StatusCode != 401 || !strings.Contains(text, "httpd_password") || strings.Contains(text, "<nav") {
		t.Fatalf("nobody: %d\n%s", res.StatusCode, text)
	}
	login := func(user, password string) int {
		res, _ := s.request(t, c, "", "POST", "/pagemap-admin/login", url.Values{"httpd_username": {user}, "httpd_password": {password}})
		for _, cookie := range res.Cookies() {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/pagemap-admin" {
				t.Errorf("cookie %v", cookie)
			}
		}
		return res.StatusCode
	}
	if status := login("maria", "wrong"); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
	if status := login("maria", "pass-maria"); status != 302 {
		t.Errorf("the password: %d", status)
	}
	if res, text := s.request(t, c, "", "GET", "/pagemap-admin/", nil); res.StatusCode != 200 || !strings.Contains(text, "maria") {
		t.Errorf("signed in: %d\n%s", res.StatusCode, text)
	}
	u, _ := url.Parse(s.URL + "/pagemap-admin/")
	for _, cookie := range c.Jar.Cookies(u) {
		if strings.Contains(cookie.Value, "maria") {
			t.Errorf("the cookie tells: %s", cookie.Value)
		}
	}
	if res, _ := s.request(t, c, "", "POST", "/pagemap-admin/page", url.Values{"path": {"/x"}, "seen": {"0"}, "status": {"410"}, "do": {"save"}}, "Origin", s.URL); res.StatusCode != 303 {
		t.Errorf("a change: %d", res.StatusCode)
	}
	s.request(t, c, "", "GET", "/pagemap-admin/logout", nil)
	if res, _ := s.request(t, c, "", "GET", "/pagemap-admin/", nil); res.StatusCode != 401 {
		t.Errorf("signed out: %d", res.StatusCode)
	}
}

// Without a directory to ask, nobody is let in.
func TestAdminLDAP(t *testing.T) {
	s, c := upAdmin(t, adminOptions{way: "ldap"}), client(t)
	if res, text := s.request(t, c, "", "GET", "/pagemap-admin/", nil); res.StatusCode != 401 || strings.Contains(text, "<nav") {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	if res, text := s.request(t, c, "maria", "GET", "/pagemap-admin/", nil); res.StatusCode == 200 || strings.Contains(text, "<nav") {
		t.Errorf("without a directory: %d", res.StatusCode)
	}
}
