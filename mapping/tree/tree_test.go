// Tests of what is served and what is refused.

package tree

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

// build makes files in a new directory: name → content; a name ending in "/" is a directory,
// a content beginning with "-> " a symlink.
func build(t testing.TB, files map[string]string) string {
	t.Helper()
	outside, err := os.MkdirTemp("", "pm")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(outside) })
	must(t, os.Chmod(outside, 0o755)) // for unprivileged
	root := filepath.Join(outside, "tree")
	must(t, os.Mkdir(root, 0o755))
	for name, content := range files {
		add(t, root, name, content)
	}
	return root
}

func add(t testing.TB, root, name, content string) {
	t.Helper()
	full := root + "/" + name
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	switch target, link := strings.CutPrefix(content, "-> "); {
	case strings.HasSuffix(name, "/"):
		must(t, os.MkdirAll(full, 0o755))
	case link:
		must(t, os.Symlink(target, full))
	default:
		must(t, os.WriteFile(full, []byte(content), 0o644))
	}
}

// unprivileged makes root's goroutine, until the test ends, a user to whom not everything is readable.
func unprivileged(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	_, err := unix.SetfsuidRetUid(65534)
	must(t, err)
	t.Cleanup(func() {
		_, err := unix.SetfsuidRetUid(0)
		must(t, err)
		runtime.UnlockOSThread()
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a tree with a clock that a test moves.
func open(t testing.TB, root string) (*Tree, *time.Time) {
	t.Helper()
	tr, err := Open(root, Options{})
	must(t, err)
	t.Cleanup(func() { tr.Close() })
	clock := time.Now()
	tr.now = func() time.Time { return clock }
	return tr, &clock
}

func key(t testing.TB, raw string) mapping.Path {
	t.Helper()
	p, err := mapping.ParsePath(raw)
	must(t, err)
	return p
}

func TestStatAndOpen(t *testing.T) {
	root := build(t, map[string]string{
		"index.html":              "home",
		"a b%.html":               "percent",
		"caf\xe9.html":            "latin1",
		"dir/page.html":           "page",
		"dir/deep/er/page.html":   "deep",
		"empty":                   "",
		".secret":                 "secret",
		".git/config":             "secret",
		"dir/.hidden/x.html":      "secret",
		".well-known/acme/token":  "token",
		"old.html~":               "secret",
		"old.bak":                 "secret",
		"prog.php":                "secret",
		"restricted/.htaccess":    "Require valid-user\n",
		"restricted/x.html":       "secret",
		"restricted/sub/x.html":   "secret",
		"some/.htaccess":          "<Files *.log>\nDeny from all\n</Files>\n",
		"some/x.html":             "some",
		"some/x.log":              "secret",
		"some/sub/x.log":          "secret",
		"in.html":                 "-> dir/page.html",
		"dir/up.html":             "-> ../index.html",
		"dir/round.html":          "-> .././dir//deep/../page.html",
		"twice.html":              "-> in.html",
		"linkdir":                 "-> dir/deep",
		"linkself":                "-> .",
		"dir/linktwice":           "-> ../linkdir/er",
		"tosecret.html":           "-> .secret",
		"togit":                   "-> .git",
		"tophp.html":              "-> prog.php",
		"torestricted.html":       "-> restricted/x.html",
		"torestricted":            "-> restricted/sub",
		"tolog.html":              "-> some/x.log",
		"some/page.log":           "-> ../index.html",
		"absolute.html":           "-> /etc/passwd",
		"absolutein.html":         "-> ROOT/index.html",
		"escape.html":             "-> ../outside.html",
		"dir/escape.html":         "-> ../../outside.html",
		"escapeback.html":         "-> ../tree/index.html",
		"escapedir":               "-> ..",
		"broken.html":             "-> nowhere.html",
		"brokendir.html":          "-> index.html/",
		"loop":                    "-> loop",
		"loopa":                   "-> loopb",
		"loopb":                   "-> loopa",
		"loopdir/self":            "-> ../loopdir/self/x",
		"with-public/.htaccess":   "Options Indexes\n",
		"with-public/public.html": "public",
	})
	must(t, os.WriteFile(root+"/../outside.html", []byte("secret"), 0o644))
	must(t, os.Remove(root+"/absolutein.html"))
	must(t, os.Symlink(root+"/index.html", root+"/absolutein.html"))
	must(t, unix.Mkfifo(root+"/fifo.html", 0o644))
	add(t, root, "tofifo.html", "-> fifo.html")
	socket, err := net.Listen("unix", root+"/socket.html")
	must(t, err)
	defer socket.Close()
	tr, _ := open(t, root)

	tests := []struct {
		path   string
		body   string // what it holds; "" where refused
		real   string // its real path, where it differs
		reason Reason
	}{
		{path: "/index.html", body: "home"},
		{path: "/a%20b%25.html", body: "percent"},
		{path: "/caf%E9.html", body: "latin1"},
		{path: "/dir/deep/er/page.html", body: "deep"},
		{path: "/.well-known/acme/token", body: "token"},
		{path: "/some/x.html", body: "some"},
		{path: "/with-public/public.html", body: "public"},
		{path: "/in.html", body: "page", real: "/dir/page.html"},
		{path: "/dir/up.html", body: "home", real: "/index.html"},
		{path: "/dir/round.html", body: "page", real: "/dir/page.html"},
		{path: "/twice.html", body: "page", real: "/dir/page.html"},
		{path: "/linkdir/er/page.html", body: "deep", real: "/dir/deep/er/page.html"},
		{path: "/linkself/linkself/index.html", body: "home", real: "/index.html"},
		{path: "/dir/linktwice/page.html", body: "deep", real: "/dir/deep/er/page.html"},

		{path: "/", reason: Missing},
		{path: "/dir", reason: IsDirectory},
		{path: "/dir/", reason: Missing},
		{path: "/index.html/", reason: Missing},
		{path: "/index.html/x", reason: Missing},
		{path: "/none.html", reason: Missing},
		{path: "/none/none.html", reason: Missing},
		{path: "/a%2Fb", reason: Missing},
		{path: "/" + strings.Repeat("x", 300), reason: Missing},
		{path: "/.secret", reason: "dotfile"},
		{path: "/.git/config", reason: "dotfile"},
		{path: "/dir/.hidden/x.html", reason: "dotfile"},
		{path: "/old.html~", reason: "leftover"},
		{path: "/old.bak", reason: "leftover"},
		{path: "/prog.php", reason: "program source"},
		{path: "/restricted/x.html", reason: Restricted},
		{path: "/restricted/none.html", reason: Restricted},
		{path: "/restricted/sub/x.html", reason: Restricted},
		{path: "/restricted/.htaccess", reason: Restricted},
		{path: "/some/x.log", reason: Restricted},
		{path: "/some/sub/x.log", reason: Restricted},
		{path: "/tosecret.html", reason: "dotfile"},
		{path: "/togit/config", reason: "dotfile"},
		{path: "/tophp.html", reason: "program source"},
		{path: "/torestricted.html", reason: Restricted},
		{path: "/torestricted/x.html", reason: Restricted},
		{path: "/tolog.html", reason: Restricted},
		{path: "/some/page.log", reason: Restricted},
		{path: "/absolute.html", reason: LinkOut},
		{path: "/absolutein.html", reason: LinkOut},
		{path: "/escape.html", reason: LinkOut},
		{path: "/dir/escape.html", reason: LinkOut},
		{path: "/escapeback.html", reason: LinkOut},
		{path: "/escapedir/outside.html", reason: LinkOut},
		{path: "/broken.html", reason: LinkBroken},
		{path: "/brokendir.html", reason: LinkBroken},
		{path: "/loop", reason: LinkLoop},
		{path: "/loopa", reason: LinkLoop},
		{path: "/loopdir/self/x", reason: LinkLoop},
		{path: "/fifo.html", reason: Special},
		{path: "/tofifo.html", reason: Special},
		{path: "/socket.html", reason: Special},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p := key(t, tt.path)
			info, statErr := tr.Stat(p)
			f, opened, err := tr.OpenFile(p)
			if tt.reason != "" {
				for _, err := range []error{statErr, err} {
					if !errors.Is(err, ErrNotServed) || reasonOf(err) != tt.reason {
						t.Errorf("refused with %v, want %q", err, tt.reason)
					}
				}
				if e := tr.Lookup(p, false); e.Kind == mapping.RegularFile && !strings.HasSuffix(tt.path, "/") {
					t.Errorf("Lookup = %+v of a refused file", e)
				}
				return
			}
			if statErr != nil || err != nil {
				t.Fatal(statErr, err)
			}
			defer f.Close()
			body, err := io.ReadAll(f)
			if err != nil || string(body) != tt.body {
				t.Errorf("body %q, %v; want %q", body, err, tt.body)
			}
			real := p
			if tt.real != "" {
				real = mapping.Path(tt.real)
			}
			want := Info{Size: int64(len(tt.body)), Modified: info.Modified, Path: real}
			if info != want || opened != want {
				t.Errorf("Stat %+v, open %+v; want %+v", info, opened, want)
			}
			if e := tr.Lookup(p, false); e.Kind != mapping.RegularFile {
				t.Errorf("Lookup = %+v", e)
			}
		})
	}
}

// TestUnclean gives names that no parsed path holds.
func TestUnclean(t *testing.T) {
	root := build(t, map[string]string{"a/x.html": "x"})
	must(t, os.WriteFile(root+"/../outside.html", []byte("secret"), 0o644))
	tr, _ := open(t, root)
	for _, p := range []mapping.Path{"/../outside.html", "/a/../../outside.html", "/a/../a/x.html", "/a//x.html", "/./a/x.html", "//etc/passwd", "/%2E%2E/outside.html", "/a/x.html%00"} {
		if _, err := tr.Stat(p); !errors.Is(err, ErrNotServed) {
			t.Errorf("Stat(%s): %v", p, err)
		}
		if _, _, err := tr.OpenFile(p); !errors.Is(err, ErrNotServed) {
			t.Errorf("OpenFile(%s): %v", p, err)
		}
	}
}

func TestDevice(t *testing.T) {
	root := build(t, nil)
	add(t, root, "null.html", "-> /dev/null")
	tr, _ := open(t, root)
	if _, _, err := tr.OpenFile("/null.html"); reasonOf(err) != LinkOut {
		t.Errorf("symlink to a device: %v", err)
	}
	if err := unix.Mknod(root+"/zero.html", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err != nil {
		t.Skipf("this user makes no devices: %v", err)
	}
	if _, _, err := tr.OpenFile("/zero.html"); reasonOf(err) != Special {
		t.Errorf("device: %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	root := build(t, map[string]string{
		"closed.html":     "secret",
		"closed/x.html":   "secret",
		"search/x.html":   "found",
		"htaccess/x.html": "secret",
	})
	add(t, root, "htaccess/.htaccess", "Options None\n")
	must(t, os.Chmod(root+"/closed.html", 0))
	must(t, os.Chmod(root+"/closed", 0))
	must(t, os.Chmod(root+"/search", 0o111))
	must(t, os.Chmod(root+"/htaccess/.htaccess", 0))
	t.Cleanup(func() { os.Chmod(root+"/closed", 0o755); os.Chmod(root+"/search", 0o755) })
	unprivileged(t)
	tr, _ := open(t, root)
	for p, want := range map[mapping.Path]Reason{
		"/closed.html": Unreadable, "/closed/x.html": Unreadable,
		"/search/x.html": "", "/htaccess/x.html": Unreadable,
	} {
		f, _, err := tr.OpenFile(p)
		if reasonOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("OpenFile(%s): %v, want %q", p, err, want)
		}
		if err == nil {
			f.Close()
		}
		if e := tr.Lookup(p, true); (e.Kind == mapping.RegularFile) != (want == "") || (want != "" && e.Reason == "") {
			t.Errorf("Lookup(%s) = %+v", p, e)
		}
	}
	got := crawl(t, tr)
	for _, want := range []string{
		"refused /closed.html unreadable", "refused /closed/ unreadable",
		"refused /search/ unreadable", "refused /htaccess/ unreadable",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("the walk lacks %q:\n%s", want, got)
		}
	}
}

// TestSwitched replaces what lies on the way to a file, as a deployment does.
func TestSwitched(t *testing.T) {
	root := build(t, map[string]string{
		"r1/sub/x.html": "one", "r2/sub/x.html": "two two", "current": "-> r1",
		"dir/x.html": "dir", "other/x.html": "other dir",
	})
	tr, clock := open(t, root)
	size := func(p mapping.Path) int64 {
		t.Helper()
		info, err := tr.Stat(p)
		must(t, err)
		return info.Size
	}
	if got := size("/current/sub/x.html"); got != 3 {
		t.Fatalf("size %d", got)
	}
	must(t, os.Symlink("r2", root+"/next"))
	must(t, os.Rename(root+"/next", root+"/current"))
	must(t, os.RemoveAll(root+"/r1"))
	if got := size("/current/sub/x.html"); got != 7 {
		t.Errorf("size %d through the switched symlink", got)
	}

	if got := size("/dir/x.html"); got != 3 {
		t.Fatalf("size %d", got)
	}
	must(t, os.RemoveAll(root+"/dir"))
	must(t, os.Symlink("other", root+"/dir"))
	if _, _, err := tr.OpenFile("/dir/x.html"); !errors.Is(err, ErrNotServed) {
		t.Errorf("opened through a directory that has become a symlink: %v", err)
	}
	*clock = clock.Add(recheck)
	if got := size("/dir/x.html"); got != 9 {
		t.Errorf("size %d once looked at again", got)
	}

	size("/current/sub/x.html") // known anew
	add(t, root, "r2/sub/.htaccess", "Deny from all\n")
	if got := size("/current/sub/x.html"); got != 7 {
		t.Errorf("size %d", got)
	}
	*clock = clock.Add(recheck)
	if _, err := tr.Stat("/current/sub/x.html"); reasonOf(err) != Restricted {
		t.Errorf("restricted a moment ago: %v", err)
	}
	add(t, root, "r2/sub/.htaccess", "Deny from none\n")
	*clock = clock.Add(recheck)
	if got := size("/current/sub/x.html"); got != 7 {
		t.Errorf("size %d", got)
	}
	must(t, os.Remove(root+"/r2/sub/.htaccess"))
	*clock = clock.Add(recheck)
	if got := size("/current/sub/x.html"); got != 7 {
		t.Errorf("size %d", got)
	}
}

// TestRootSwitched opens a tree by a symlink that is switched.
func TestRootSwitched(t *testing.T) {
	base := build(t, map[string]string{"r1/x.html": "one", "r2/x.html": "two two", "site": "-> r1"})
	tr, clock := open(t, base+"/site")
	if info, err := tr.Stat("/x.html"); err != nil || info.Size != 3 {
		t.Fatal(info, err)
	}
	must(t, os.Symlink("r2", base+"/next"))
	must(t, os.Rename(base+"/next", base+"/site"))
	*clock = clock.Add(recheck)
	if info, err := tr.Stat("/x.html"); err != nil || info.Size != 7 {
		t.Error(info, err)
	}
}

// TestSwapRace swaps a file, and a directory on its way, for symlinks to secrets
// inside and outside the tree while it is opened.
func TestSwapRace(t *testing.T) {
	root := build(t, map[string]string{
		"page.html": "public", "dir/x.html": "public", ".secret": "SECRET", ".git/x.html": "SECRET",
	})
	must(t, os.WriteFile(root+"/../outside.html", []byte("SECRET"), 0o644))
	must(t, os.Mkdir(root+"/../out", 0o755))
	must(t, os.WriteFile(root+"/../out/x.html", []byte("SECRET"), 0o644))
	add(t, root, ".swap/page.html", "public")
	add(t, root, ".swap/dir/x.html", "public")
	add(t, root, ".swap/in", "-> .secret")
	add(t, root, ".swap/out", "-> ../outside.html")
	add(t, root, ".swap/dirin", "-> .git")
	add(t, root, ".swap/dirout", "-> ../out")
	tr, err := Open(root, Options{})
	must(t, err)
	defer tr.Close()

	done := make(chan struct{})
	swaps := make(chan int)
	go func() {
		n := 0
		defer func() { swaps <- n }()
		exchange := func(a, b string) {
			if err := unix.Renameat2(unix.AT_FDCWD, root+"/"+a, unix.AT_FDCWD, root+"/"+b, unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
			}
			n++
		}
		for {
			for _, pair := range [][2]string{{"page.html", ".swap/in"}, {"page.html", ".swap/out"}, {"dir", ".swap/dirin"}, {"dir", ".swap/dirout"}} {
				select {
				case <-done:
					return
				default:
				}
				exchange(pair[0], pair[1])
				exchange(pair[0], pair[1])
			}
		}
	}()
	served, refused := 0, 0
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline) || served == 0 || refused == 0; {
		for _, p := range []mapping.Path{"/page.html", "/dir/x.html"} {
			f, _, err := tr.OpenFile(p)
			if err != nil {
				if !errors.Is(err, ErrNotServed) {
					t.Fatal(err)
				}
				refused++
				continue
			}
			body, err := io.ReadAll(f)
			f.Close()
			if err != nil || string(body) != "public" {
				close(done)
				<-swaps
				t.Fatalf("%s leaked %q, %v", p, body, err)
			}
			served++
		}
	}
	close(done)
	t.Logf("%d swaps, %d served, %d refused", <-swaps, served, refused)
}

func TestOpenErrors(t *testing.T) {
	root := build(t, map[string]string{"file": ""})
	for _, name := range []string{root + "/none", root + "/file"} {
		if tr, err := Open(name, Options{}); err == nil {
			tr.Close()
			t.Errorf("opened %s", name)
		}
	}
}

// TestStatIsCheap: the path of every served page makes the name for the system, the
// system's answer, and nothing else.
func TestStatIsCheap(t *testing.T) {
	root := build(t, map[string]string{"a/b/page.html": "x", ".htaccess": "<Files *.log>\nDeny from all\n</Files>\n"})
	tr, _ := open(t, root)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := tr.Stat("/a/b/page.html"); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 4 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkStat(b *testing.B) {
	root := build(b, map[string]string{"a/b/c/page.html": "x", ".htaccess": "Options None\n"})
	tr, err := Open(root, Options{})
	must(b, err)
	defer tr.Close()
	b.Run("tree", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tr.Stat("/a/b/c/page.html"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lstat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var st unix.Stat_t
			if err := unix.Lstat(root+"/a/b/c/page.html", &st); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("missing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tr.Lookup("/a/b/c/none.html", true)
		}
	})
}
