package main

import (
	"os"
	"path/filepath"
	"testing"
)

// ok is a page with this body.
func ok(body byte) answer {
	return answer{status: 200, kind: "text/html", modified: "then", length: 1, size: 1, sum: [32]byte{body}}
}

func status(code int) answer { return answer{status: code, kind: "text/html", size: 9, length: 9} }

func to(code int, location string) answer { return answer{status: code, location: location} }

func with(a answer, change func(*answer)) answer {
	change(&a)
	return a
}

func TestJudge(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"real/tool.zip", "empty/sub/x.html", "index/index.html"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"inside.zip": "real/tool.zip", "absolute": "/etc/passwd", "outside": "../../x", "around": "real/../../x", "twice": "outside",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		plain answer
		stack []hop
		want  class
	}{
		{"the same page", ok(1), []hop{{"/a", ok(1)}}, same},
		{"other bytes", ok(1), []hop{{"/a", ok(2)}}, unexplained},
		{"other type", ok(1), []hop{{"/a", with(ok(1), func(a *answer) { a.kind = "text/html; charset=utf-8" })}}, unexplained},
		{"other language", ok(1), []hop{{"/a", with(ok(1), func(a *answer) { a.language = "ko" })}}, unexplained},
		{"other date", ok(1), []hop{{"/a", with(ok(1), func(a *answer) { a.modified = "now" })}}, unexplained},
		{"wrong length", ok(1), []hop{{"/a", with(ok(1), func(a *answer) { a.length = 2 })}}, unexplained},
		{"other bytes with gzip", ok(1), []hop{{"/a", with(ok(1), func(a *answer) { a.gzipDiffers = true })}}, unexplained},
		{"lost", ok(1), []hop{{"/a", status(404)}}, unexplained},
		{"failed", ok(1), []hop{{"/a", status(503)}}, unexplained},
		{"both missing", status(404), []hop{{"/a", status(404)}}, same},
		{"both bad", status(400), []hop{{"/a%zz", status(400)}}, same},
		{"bad instead of missing", status(404), []hop{{"/a", status(400)}}, unexplained},
		{"page out of nothing", status(404), []hop{{"/a", ok(1)}}, unexplained},

		{"data", ok(1), []hop{{"/a.zip", to(302, "/data/a.zip")}, {"/data/a.zip", ok(1)}}, unexplained}, // a page without noindex
		{"data, kept from search engines", ok(1), []hop{{"/a.html", to(302, "/data/a.html")}, {"/data/a.html", with(ok(1), func(a *answer) { a.robots = "noindex" })}}, data},
		{"data of another name", ok(1), []hop{{"/a.zip", to(302, "/data/b.zip")}, {"/data/b.zip", ok(1)}}, unexplained},
		{"data for ever", ok(1), []hop{{"/a.zip", to(301, "/data/a.zip")}, {"/data/a.zip", ok(1)}}, unexplained},
		{"data behind a link", with(ok(1), func(a *answer) { a.kind = "" }),
			[]hop{{"/inside.zip", to(302, "/data/real/tool.zip")}, {"/data/real/tool.zip", with(ok(1), func(a *answer) { a.kind = "" })}}, data},

		{"doubled slash", ok(1), []hop{{"//a", to(301, "/a")}, {"/a", ok(1)}}, spelling},
		{"dot segments", ok(1), []hop{{"/x/../a", to(301, "/a")}, {"/a", ok(1)}}, spelling},
		{"a served spelling is redirected", ok(1), []hop{{"/a", to(301, "/b")}, {"/b", ok(1)}}, unexplained},
		{"percent spelling is redirected", ok(1), []hop{{"/%61", to(301, "/a")}, {"/a", ok(1)}}, unexplained},

		{"both to the slash", to(301, "/index/"), []hop{{"/index", to(301, "/index/")}}, same},
		{"slash and query", to(301, "/index/?a"), []hop{{"/index?a", to(301, "/index/?a")}}, same},
		{"slash without query", to(301, "/index/?a"), []hop{{"/index?a", to(301, "/index/")}}, unexplained},
		{"elsewhere", to(301, "/index/"), []hop{{"/index", to(301, "/other/")}}, unexplained},
		{"directory without index", to(301, "/empty/"), []hop{{"/empty", status(404)}}, noIndex},
		{"directory with index lost", to(301, "/index/"), []hop{{"/index", status(404)}}, unexplained},

		{"case", status(404), []hop{{"/A", to(301, "/a")}, {"/a", ok(1)}}, found},
		{"case and data", status(404), []hop{{"/A.zip", to(301, "/a.zip")}, {"/a.zip", to(302, "/data/a.zip")}, {"/data/a.zip", ok(1)}}, found},
		{"slash", status(404), []hop{{"/a/", to(301, "/a")}, {"/a", ok(1)}}, found},
		{"redirected to a stranger", status(404), []hop{{"/x", to(301, "/a")}, {"/a", ok(1)}}, unexplained},
		{"redirected to nothing", status(404), []hop{{"/A", to(301, "/a")}, {"/a", status(404)}}, unexplained},

		{"dotfile", ok(1), []hop{{"/.env", status(404)}}, denied},
		{"program", ok(1), []hop{{"/x/a.php", status(404)}}, denied},
		{"absolute link", ok(1), []hop{{"/absolute", status(404)}}, symlink},
		{"link out of the tree", ok(1), []hop{{"/outside", status(404)}}, symlink},
		{"link out of the tree, roundabout", ok(1), []hop{{"/around", status(404)}}, symlink},
		{"link to such a link", ok(1), []hop{{"/twice", status(404)}}, symlink},
		{"link within the tree", ok(1), []hop{{"/inside.zip", status(404)}}, unexplained},
		{"refused", status(403), []hop{{"/x", status(404)}}, refused},
		{"refused, now served", status(403), []hop{{"/x", ok(1)}}, unexplained},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := visit{target: tt.stack[0].target, plain: tt.plain, stack: tt.stack}
			if got, detail := tree(dir).judge(v); got != tt.want {
				t.Errorf("judge = %s (%s), want %s", got, detail, tt.want)
			}
		})
	}
}
