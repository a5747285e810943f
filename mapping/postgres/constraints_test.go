// What the database refuses by itself, whoever writes.

package postgres

import (
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

func TestConstraints(t *testing.T) {
	db := site(t)
	long := "/" + string(filler("a", 2047))
	for _, c := range []struct {
		name, path string
		status     int
		source     string
		ok         bool
	}{
		{"file", "/a.html", 200, "file:/a.html", true},
		{"other file", "/b%20c.html", 200, "file:/x/%C3%B3.html", true},
		{"file of a percent", "/operator%25.html", 200, "file:/operator%25.html", true},
		{"prefix to directory", "/docs/*", 200, "file:/old/*", true},
		{"root prefix", "/*", 302, "https://example.org/*", true},
		{"query row", "/q?a=1&b=x+y", 301, "/new?z=//", true},
		{"wiki", "/w", 200, "wiki:Über uns (2)", true},
		{"site path", "/s", 301, "/", true},
		{"other host", "/h", 302, "https://example.org:8080/x?y#z", true},
		{"IPv6", "/h6", 302, "http://[::1]/", true},
		{"gone", "/g", 410, "", true},
		{"gone with suggestion", "/g2", 410, "https://example.org/", true},
		{"not found", "/n", 404, "", true},
		{"dots in names", "/..a/b../c...", 404, "", true},
		{"dot directory", "/.well-known/x", 404, "", true},
		{"slashes in a query", "/q2?u=http://x/../y", 404, "", true},
		{"encoded slash", "/a%2Fb", 404, "", true},
		{"longest path", long, 404, "", true},
		{"prefix beside its target", "/docs2/*", 301, "/docs2x/*", true},

		{"empty path", "", 404, "", false},
		{"no slash", "a", 404, "", false},
		{"space", "/a b", 404, "", false},
		{"control", "/a\x01", 404, "", false},
		{"newline", "/a\n", 404, "", false},
		{"non-ASCII", "/ü", 404, "", false},
		{"backslash", `/a\b`, 404, "", false},
		{"fragment", "/a#b", 404, "", false},
		{"two slashes", "/a//b", 404, "", false},
		{"dot segment", "/a/./b", 404, "", false},
		{"dot segment at the end", "/a/..", 404, "", false},
		{"dot segment before a query", "/a/..?b=1", 404, "", false},
		{"dot segment before a prefix", "/../*", 404, "", false},
		{"bad escape", "/a%2", 404, "", false},
		{"lower-case escape", "/a%3c", 404, "", false},
		{"needless escape", "/a%41", 404, "", false},
		{"escaped control", "/a%0A", 404, "", false},
		{"escaped NUL", "/a%00", 404, "", false},
		{"star inside", "/a*b", 404, "", false},
		{"star without slash", "/a*", 404, "", false},
		{"two stars", "/*/*", 404, "", false},
		{"prefix with a query", "/a/*?b=1", 404, "", false},
		{"empty query", "/a?", 404, "", false},
		{"two questions", "/a?b=1?", 404, "", false},
		{"bad escape in a query", "/a?b=%zz", 404, "", false},
		{"path too long", long + "a", 404, "", false},
		{"query too long", "/a?" + string(filler("b", 2600)), 404, "", false},
		{"status", "/x", 500, "", false},
		{"200 without source", "/x", 200, "", false},
		{"200 of a URL", "/x", 200, "https://example.org/", false},
		{"200 of a relative file", "/x", 200, "file:x", false},
		{"file above the root", "/x", 200, "file:/../etc/passwd", false},
		{"file with two slashes", "/x", 200, "file://etc/passwd", false},
		{"file with a space", "/x", 200, "file:/a b", false},
		{"file with NUL", "/x", 200, "file:/a%00", false},
		{"file with an encoded slash", "/x", 200, "file:/a%2Fb", false},
		{"file with a star", "/x", 200, "file:/a/*", false},
		{"file with a star inside", "/x/*", 200, "file:/*/a", false},
		{"wiki without a name", "/x", 200, "wiki:", false},
		{"wiki with control", "/x", 200, "wiki:a\nb", false},
		{"redirect without a target", "/x", 301, "", false},
		{"redirect to a file", "/x", 301, "file:/a", false},
		{"redirect to another scheme", "/x", 301, "javascript:alert(1)", false},
		{"redirect to a host alone", "/x", 301, "//evil.example/", false},
		{"redirect to a backslash", "/x", 301, `/\evil.example/`, false},
		{"redirect with a backslash", "/x", 301, `https://example.org\@evil/`, false},
		{"redirect with CR LF", "/x", 301, "/a\r\nSet-Cookie: x", false},
		{"redirect with a space", "/x", 301, "/a b", false},
		{"redirect to non-ASCII", "/x", 301, "/ü", false},
		{"redirect with user-info", "/x", 301, "https://user@example.org/", false},
		{"redirect to no host", "/x", 301, "https:///x", false},
		{"redirect to itself", "/x", 301, "/x", false},
		{"prefix to itself", "/x/*", 301, "/x/*", false},
		{"prefix below itself", "/x/*", 302, "/x/y?z", false},
		{"prefix to its own path", "/x/*", 302, "/x", false},
		{"rest without a prefix", "/x", 301, "/y/*", false},
		{"404 with source", "/x", 404, "/y", false},
		{"410 with file", "/x", 410, "file:/y", false},
		{"410 with rest", "/x/*", 410, "/y/*", false},
		{"source too long", "/x", 301, "/" + string(filler("a", 4096)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := db.writers.ExecContext(t.Context(), `INSERT INTO pages (path, status, source) VALUES ($1, $2, $3)`, c.path, c.status, c.source)
			switch {
			case c.ok && err != nil:
				t.Error(err)
			case !c.ok && pq.As(err, pqerror.CheckViolation) == nil:
				t.Errorf("want a check's refusal, got %v", err)
			}
		})
	}
	for name, statement := range map[string]string{
		"origin":               `UPDATE pages SET origin = 'nobody' WHERE path = '/n'`,
		"tree row that is not": `UPDATE pages SET origin = 'populate' WHERE path = '/n'`,
		"drop query of a 404":  `UPDATE pages SET drop_query = true WHERE path = '/n'`,
		"empty tag":            `UPDATE pages SET tags = '{a,""}' WHERE path = '/n'`,
		"NULL tag":             `UPDATE pages SET tags = '{a,NULL}' WHERE path = '/n'`,
		"tags in two rows":     `UPDATE pages SET tags = '{{a},{b}}' WHERE path = '/n'`,
		"another path":         `UPDATE pages SET path = '/m' WHERE path = '/n'`,
		"truncate pages":       `TRUNCATE pages`,
		"truncate log":         `TRUNCATE changes`,
		"rewrite log":          `UPDATE changes SET path = '/m'`,
		"prune log":            `DELETE FROM changes`,
		"rewrite author":       `UPDATE change_sets SET author = 'x'`,
		"second state":         `INSERT INTO state (one) VALUES (false)`,
		"remove state":         `DELETE FROM state`,
	} {
		if _, err := db.writers.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s: %s succeeds", name, statement)
		}
	}
	if n := one[int](t, db, `SELECT count(*) FROM pages`); n != int(one[int64](t, db, `SELECT pages FROM state`)) {
		t.Errorf("%d rows, state counts otherwise", n)
	}
}

// filler is n bytes of text that does not compress to nothing in an index.
func filler(start string, n int) []byte {
	b := append(make([]byte, 0, n), start...)
	for x := uint32(1); len(b) < n; x = x*1664525 + 1013904223 {
		b = append(b, "0123456789abcdefghijklmnopqrstuvwxyz"[(x>>24)%36])
	}
	return b[:n]
}
