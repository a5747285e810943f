package mapping

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestDenied(t *testing.T) {
	for name, reason := range map[string]string{
		"a/b.html":                        "",
		".well-known/security.txt":        "",
		"a/.well-known/x":                 "",
		"a.b/c..d":                        "",
		"php/index.html":                  "",
		"index.php/Main.html":             "",
		"x.php.html":                      "",
		"bak":                             "",
		"a.bakery":                        "",
		".htaccess":                       "dotfile",
		"a/.git/config":                   "dotfile",
		".well-known/.x":                  "dotfile",
		".well-knownx":                    "dotfile",
		".WELL-KNOWN/x":                   "dotfile",
		"a/../b":                          "dotfile",
		"x.html~":                         "leftover",
		"x.BAK":                           "leftover",
		"d/.x.swp":                        "dotfile",
		"x.swp":                           "leftover",
		"x.php":                           "program source",
		"a/X.PHTML":                       "program source",
		"x.inc":                           "program source",
		"old.html.shtml":                  "program source",
		"a b/x.asPx":                      "program source",
		"x.jsp\n":                         "",
		"caf\xe9.cgi":                     "program source",
		strings.Repeat("a/", 500) + "x.~": "leftover",
	} {
		if got := Denied(name); got != reason {
			t.Errorf("%q: %q, want %q", name, got, reason)
		}
	}
}

// TestDeniedPattern compares the pattern, run by Perl, with Denied over names
// made of the parts that matter.
func TestDeniedPattern(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	parts := []string{".", "..", "/", "a", "x.", ".well-known", ".WELL-known", "well-known", "~", "bak", ".bak", ".SwP", ".php", ".pHp5", ".phpx", ".inc", ".html", "\n", "\xe9"}
	var input strings.Builder
	var names []string
	add := func(name string) {
		names = append(names, name)
		input.WriteString("/" + name + "\x00")
	}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				add(a + b + c)
				add("d/" + a + b + c)
			}
		}
	}
	for _, suffix := range programSuffixes {
		add("x" + suffix)
		add("x" + suffix + "/y")
	}
	script := `$/ = "\0"; while (<STDIN>) { chomp; print m{^/data(?=/)(?s:.*)` + strings.ReplaceAll(DeniedPattern(), "{", `\{`) + `} ? 1 : 0 }`
	command := exec.CommandContext(t.Context(), perl, "-e", script)
	command.Stdin = strings.NewReader(strings.ReplaceAll("\x00"+input.String(), "\x00/", "\x00/data/")[1:])
	out, err := command.Output()
	if err != nil || len(out) != len(names) {
		t.Fatalf("%d answers to %d names: %v", len(out), len(names), err)
	}
	for i, name := range names {
		if denied := Denied(name) != ""; denied != (out[i] == '1') {
			t.Errorf("%q: Denied %v, the pattern %c", name, denied, out[i])
		}
	}
}

func TestMedia(t *testing.T) {
	types := DefaultTypes()
	for name, want := range map[string]Media{
		"a.html":                {Type: "text/html"},
		"A.HTML":                {Type: "text/html"},
		"index.html.ko.euc-kr":  {Type: "text/html", Charset: "euc-kr", Language: "ko"},
		"a.latin1.html":         {Type: "text/html", Charset: "iso-8859-1"},
		"a.html.utf8.latin1":    {Type: "text/html", Charset: "iso-8859-1"},
		"a.html.fr.en":          {Type: "text/html", Language: "fr, en"},
		"a.html.pt-BR":          {Type: "text/html", Language: "pt-br"},
		"a.html.es":             {Type: "text/html", Language: "es"},
		"a.html.tr":             {Type: "text/html", Language: "tr"},
		"a.html.zz":             {Type: "text/html"},
		"a.zz.html":             {Type: "text/html"},
		"a..html":               {Type: "text/html"},
		"txt.html":              {Type: "text/html"},
		"html.txt":              {Type: "text/plain"},
		"html":                  {},
		".png":                  {},
		"..html":                {},
		"README":                {},
		"x.":                    {},
		"a.en":                  {Language: "en"},
		"a.euc-kr":              {Charset: "euc-kr"},
		"x.html.gz":             {Type: "application/x-gzip"},
		"x.tar.gz":              {Type: "application/x-gzip"},
		"x.html.Z":              {Type: "application/x-compress"},
		"operator%.html":        {Type: "text/html"},
		"a.css.en":              {Type: "text/css", Language: "en"},
		"feed.atom":             {Type: "application/atom+xml"},
		"jquery.min.js":         {Type: "text/javascript"},
		"objects.inv":           {},
		"python-3.11.5.tar.bz2": {Type: "application/x-bzip2"},
	} {
		if got := types.Media(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := types.Media("a.html.ja.iso2022-jp").ContentType(); got != "text/html; charset=iso-2022-jp" {
		t.Error(got)
	}
	if got := types.Media("a.utf8").ContentType(); got != "" {
		t.Error(got)
	}
}

func TestParseTypes(t *testing.T) {
	types, err := ParseTypes("# comment\n\ntext/x-own\tOWN own2 # more\napplication/none\ntext/later own2\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a.own": "text/x-own", "a.own2": "text/later", "a.html": "", "a.gz": "application/x-gzip"} {
		if got := types.Media(name).Type; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, err := ParseTypes("text/html html\nhtm html\n"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad line: %v", err)
	}
}

func TestClass(t *testing.T) {
	types := DefaultTypes()
	for _, test := range []struct {
		name string
		size int64
		want Class
	}{
		{"a/b.html", 1 << 30, ClassPage},
		{"a.txt", 1, ClassPage},
		{"a.py", 1, ClassPage},
		{"s.css", 1, ClassPage},
		{"s.js", 1, ClassPage},
		{"s.json", 1, ClassPage},
		{"s.jsonld", 1, ClassPage},
		{"s.xml", 1, ClassPage},
		{"s.xhtml", 1, ClassPage},
		{"feed.rss", 1, ClassPage},
		{"i.png", DefaultImageLimit, ClassPage},
		{"i.png", DefaultImageLimit + 1, ClassData},
		{"i.svg", DefaultImageLimit + 1, ClassData},
		{"x.html.gz", 1, ClassData},
		{"x.pdf", 1, ClassData},
		{"README", 1, ClassData},
		{"a.html/README", 1, ClassData},
		{"x.unknown", 1, ClassData},
		{".x.html", 1, ClassDenied},
		{"x.php", 1, ClassDenied},
	} {
		if got := types.Class(test.name, test.size, DefaultImageLimit); got != test.want {
			t.Errorf("%s of %d bytes: %d, want %d", test.name, test.size, got, test.want)
		}
	}
}
