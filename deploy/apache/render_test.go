package apache_test

import (
	"strings"
	"testing"

	"pagemap/deploy/apache"
	"pagemap/mapping/tree"
)

func TestRender(t *testing.T) {
	tests := []struct {
		name    string
		options apache.Options
		want    []string // lines
		not     []string // beginnings of lines
	}{
		{
			name:    "socket",
			options: apache.Options{Way: apache.Socket, Tree: "/srv/old site", Socket: "/run/x.sock", Timeout: 20, TTL: 3},
			want: []string{
				`Define PAGEMAP_TREE "/srv/old site"`, `Define PAGEMAP_SOCKET "/run/x.sock"`,
				`Define PAGEMAP_TIMEOUT "20"`, `Define PAGEMAP_TTL "3"`,
			},
			not: []string{"Include", "Define PAGEMAP_ACME", "<DirectoryMatch", "FcgidInitialEnv"},
		},
		{
			name:    "defaults",
			options: apache.Options{Way: apache.Socket},
			not:     []string{"Include", "Define PAGEMAP"},
		},
		{
			name:    "tcp",
			options: apache.Options{Way: apache.TCP, Address: "10.0.0.1:9000", Socket: "/not/used"},
			want:    []string{`Define PAGEMAP_ADDRESS "10.0.0.1:9000"`},
			not:     []string{"Include", "Define PAGEMAP_SOCKET"},
		},
		{
			name:    "balancer",
			options: apache.Options{Way: apache.Balancer, Members: []string{"a:1", "b:2"}},
			want:    []string{`Define PAGEMAP_MEMBER1 "a:1"`, `Define PAGEMAP_MEMBER2 "b:2"`},
			not:     []string{"Include", "Define PAGEMAP_MEMBER3"},
		},
		{
			name:    "fcgid",
			options: apache.Options{Way: apache.FCGID, Bin: "/opt/bin", Config: "/etc/p.conf", TTL: 3},
			want:    []string{`Define PAGEMAP_BIN "/opt/bin"`, `Define PAGEMAP_CONFIG "/etc/p.conf"`},
			not:     []string{"Include", "ProxyPass", "Define PAGEMAP_TTL"},
		},
		{
			name:    "edge",
			options: apache.Options{Way: apache.TCP, Edge: true, EdgeAge: 3},
			want:    []string{`Define PAGEMAP_EDGE_AGE "3"`, `CacheEnable socache "/"`, `ProxyPass "/data" "!"`},
			not:     []string{"Include"},
		},
		{
			name:    "no edge",
			options: apache.Options{Way: apache.TCP, EdgeAge: 3},
			not:     []string{"Include", "Cache", "Define PAGEMAP_EDGE"},
		},
		{
			name:    "admin page, basic",
			options: apache.Options{Way: apache.Socket, Admin: "basic", AdminPath: "/desk", AdminSecret: "s3cret", AdminUsers: "/etc/users"},
			want:    []string{`Define PAGEMAP_ADMIN "/desk"`, `Define PAGEMAP_ADMIN_SECRET "s3cret"`, `Define PAGEMAP_ADMIN_USERS "/etc/users"`, `  AuthType Basic`},
			not:     []string{"Include", "Define PAGEMAP_ADMIN_LDAP"},
		},
		{
			name:    "admin page, ldap",
			options: apache.Options{Way: apache.TCP, Admin: "ldap", AdminSecret: "s3cret", AdminLDAP: "ldaps://ldap.example.org/dc=x?uid"},
			want:    []string{`Define PAGEMAP_ADMIN_LDAP "ldaps://ldap.example.org/dc=x?uid"`, `  AuthBasicProvider ldap`},
			not:     []string{"Include", "Define PAGEMAP_ADMIN_USERS"},
		},
		{
			name: "restrictions",
			options: apache.Options{Way: apache.Socket, Tree: "/srv/t", Restrictions: []tree.Restriction{
				{Dir: "/private/", Line: 2, Text: "Require \"x\" \\"},
			}},
			want: []string{
				`# /private/ line 2: Require  x   `,
				`<DirectoryMatch "^/srv/t/private(?:/|$)">`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := apache.Render(&b, tt.options); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(b.String(), "\n")
			for _, want := range tt.want {
				found := false
				for _, line := range lines {
					found = found || line == want
				}
				if !found {
					t.Errorf("no line %s", want)
				}
			}
			for _, line := range lines {
				for _, not := range tt.not {
					if strings.HasPrefix(line, not) {
						t.Errorf("line %s", line)
					}
				}
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := []struct {
		name    string
		options apache.Options
	}{
		{"unknown way", apache.Options{Way: "http"}},
		{"no way", apache.Options{}},
		{"too many members", apache.Options{Way: apache.Balancer, Members: []string{"a:1", "b:1", "c:1", "d:1"}}},
		{"quote", apache.Options{Way: apache.Socket, Tree: `/srv/"x`}},
		{"line break", apache.Options{Way: apache.Socket, Tree: "/srv/x\nListen 80"}},
		{"variable", apache.Options{Way: apache.Socket, Tree: "/srv/${HOME}"}},
		{"backslash", apache.Options{Way: apache.Socket, Tree: `/srv/x\`}},
		{"an unknown way to sign in", apache.Options{Way: apache.Socket, Admin: "oauth", AdminSecret: "x"}},
		{"an admin page without its secret", apache.Options{Way: apache.Socket, Admin: "basic"}},
		{"an admin page without its directory", apache.Options{Way: apache.Socket, Admin: "ldap", AdminSecret: "x"}},
		{"an admin page with mod_fcgid", apache.Options{Way: apache.FCGID, Admin: "basic", AdminSecret: "x"}},
		{"a secret with a quote", apache.Options{Way: apache.Socket, Admin: "basic", AdminSecret: `x"`}},
		{"restrictions of no tree", apache.Options{Way: apache.Socket, Restrictions: []tree.Restriction{{Dir: "/"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := apache.Render(&b, tt.options); err == nil {
				t.Error("no error")
			}
			if b.Len() > 0 {
				t.Errorf("printed %d bytes", b.Len())
			}
		})
	}
}
