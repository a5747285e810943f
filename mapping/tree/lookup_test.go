// Tests of Lookup.

package tree

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/mapping"
)

func TestLookup(t *testing.T) {
	root := build(t, map[string]string{
		"index.html":           "home",
		"About.html":           "x",
		"Docs/Guide/index.htm": "x",
		"Docs/Guide/one.html":  "x",
		"noindex/x.html":       "x",
		"both.html":            "x",
		"BOTH.html":            "x",
		"x.html":               "x",
		"X.html/":              "",
		"Twice/index.html":     "x",
		"twice/a.html":         "x",
		"D/a.html":             "x",
		"d/A.html":             "x",
		"sp ace.html":          "x",
		"caf\xc3\x89.html":     "x",
		".hid/x.html":          "x",
		"Prog.php":             "x",
		"Priv/.htaccess":       "Require valid-user",
		"Priv/x.html":          "x",
		"Link":                 "-> Docs",
		"Out":                  "-> /etc",
	})
	tr, _ := open(t, root)
	tests := []struct {
		path   string
		kind   mapping.FileKind
		index  string
		reason string
		folded []mapping.Path
	}{
		{path: "/", kind: mapping.Directory, index: "index.html"},
		{path: "/index.html", kind: mapping.RegularFile},
		{path: "/Docs/Guide/", kind: mapping.Directory, index: "index.htm"},
		{path: "/Docs/Guide", kind: mapping.Directory, index: "index.htm"},
		{path: "/noindex/", kind: mapping.Directory},
		{path: "/Link/Guide/", kind: mapping.Directory, index: "index.htm"},
		{path: "/about.html", folded: []mapping.Path{"/About.html"}},
		{path: "/ABOUT.HTML", folded: []mapping.Path{"/About.html"}},
		{path: "/about.html/", folded: []mapping.Path{"/About.html"}},
		{path: "/docs/guide", folded: []mapping.Path{"/Docs/Guide/"}},
		{path: "/docs/guide/", folded: []mapping.Path{"/Docs/Guide/"}},
		{path: "/docs/guide/ONE.html", folded: []mapping.Path{"/Docs/Guide/one.html"}},
		{path: "/docs/", folded: nil},
		{path: "/link/guide/one.html", folded: []mapping.Path{"/Link/Guide/one.html"}},
		{path: "/Both.html", folded: []mapping.Path{"/BOTH.html", "/both.html"}},
		{path: "/both.html", kind: mapping.RegularFile},
		{path: "/both.html/", kind: mapping.RegularFile},
		{path: "/twice/", kind: mapping.Directory, folded: []mapping.Path{"/Twice/"}},
		{path: "/twice", kind: mapping.Directory, folded: []mapping.Path{"/Twice/"}},
		{path: "/D/A.html", folded: []mapping.Path{"/D/a.html", "/d/A.html"}},
		{path: "/SP%20ACE.html", folded: []mapping.Path{"/sp%20ace.html"}},
		{path: "/CAF%C3%89.html", folded: []mapping.Path{"/caf%C3%89.html"}},
		{path: "/CAF%C3%A9.html"},
		{path: "/none.html"},
		{path: "/none/none/none.html"},
		{path: "/x.html/y"},
		{path: "/a%2Fb"},
		{path: "/.HID/x.html", reason: "tree: not served: dotfile"},
		{path: "/prog.php"},
		{path: "/priv/X.html"},
		{path: "/out/passwd"},
		{path: "/.hid/x.html", reason: "tree: not served: dotfile"},
		{path: "/Prog.php", reason: "tree: not served: program source"},
		{path: "/Priv/x.html", reason: "tree: not served: restricted by .htaccess (/Priv/.htaccess line 1: Require valid-user)"},
		{path: "/Priv/", reason: "tree: not served: restricted by .htaccess (/Priv/.htaccess line 1: Require valid-user)"},
		{path: "/Out", reason: "tree: not served: symlink out of the tree (/etc)"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			e := tr.Lookup(key(t, tt.path), true)
			slices.Sort(e.Folded)
			if e.Kind != tt.kind || e.Index != tt.index || e.Reason != tt.reason || !slices.Equal(e.Folded, tt.folded) {
				t.Errorf("%+v, want %+v", e, tt)
			}
			if e := tr.Lookup(key(t, tt.path), false); e.Folded != nil {
				t.Errorf("folded unasked: %+v", e)
			}
		})
	}
}

// TestListingFollowsTheDirectory renames a file within the resolution of an mtime and later.
func TestListingFollowsTheDirectory(t *testing.T) {
	root := build(t, map[string]string{"a.html": "x"})
	tr, clock := open(t, root)
	has := func(p, want mapping.Path) {
		t.Helper()
		if e := tr.Lookup(p, true); fmt.Sprint(e.Folded) != fmt.Sprint([]mapping.Path{want}) {
			t.Errorf("%s: %+v, want %s", p, e, want)
		}
	}
	has("/A.HTML", "/a.html")
	before, err := os.Stat(root)
	must(t, err)
	must(t, os.Rename(root+"/a.html", root+"/b.html"))
	must(t, os.Chtimes(root, time.Time{}, before.ModTime())) // as if in the same tick
	*clock = clock.Add(recheck + time.Second/2)
	has("/B.HTML", "/b.html")

	*clock = clock.Add(settle)
	has("/B.HTML", "/b.html")
	must(t, os.Rename(root+"/b.html", root+"/c.html"))
	must(t, os.Chtimes(root, time.Time{}, before.ModTime().Add(time.Millisecond)))
	if e := tr.Lookup("/c.html", true); e.Kind != mapping.RegularFile {
		t.Errorf("by its own name it is not found at once: %+v", e)
	}
	*clock = clock.Add(recheck)
	has("/C.HTML", "/c.html")
}

// TestListingKept asks for many unknown paths.
func TestListingKept(t *testing.T) {
	root := build(t, map[string]string{"a.html": "x"})
	must(t, os.Chtimes(root, time.Time{}, time.Now().Add(-time.Hour)))
	tr, _ := open(t, root)
	for i := range 100 {
		tr.Lookup(mapping.Path(fmt.Sprintf("/none%d.html", i)), true)
	}
	if n := tr.listings.EstimatedSize(); n != 1 {
		t.Errorf("%d listings kept", n)
	}
	if n := tr.dirs.EstimatedSize(); n != 1 {
		t.Errorf("%d directories known", n)
	}
}

// TestConcurrently asks for the same names from many goroutines while what is known ages.
func TestConcurrently(t *testing.T) {
	root := build(t, map[string]string{"a/b/Page.html": "x", "l": "-> a", "a/.htaccess": "<Files *.log>\nDeny from all\n</Files>", "a/b/x.log": "x"})
	tr, err := Open(root, Options{})
	must(t, err)
	defer tr.Close()
	var ticks atomic.Int64
	start := time.Now()
	tr.now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * recheck / 10) }
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if e := tr.Lookup("/l/B/page.HTML", true); len(e.Folded) != 1 || e.Folded[0] != "/l/b/Page.html" {
					t.Errorf("folded: %+v", e)
				}
				if info, err := tr.Stat("/l/b/Page.html"); err != nil || info.Path != "/a/b/Page.html" {
					t.Errorf("%+v, %v", info, err)
				}
				if _, err := tr.Stat("/l/b/x.log"); reasonOf(err) != Restricted {
					t.Errorf("restricted: %v", err)
				}
			}
		})
	}
	all.Wait()
}
