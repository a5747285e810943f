package mediawiki

import (
	"net/url"
	"strings"
	"testing"

	"pagemap/render/wiki"
	"pagemap/render/wiki/wikitest"
)

// sited returns a wiki that knows its site, and answers nothing.
func sited(tb testing.TB, api string, s func(*site)) *Wiki {
	tb.Helper()
	u, err := url.Parse(api)
	if err != nil {
		tb.Fatal(err)
	}
	w, err := New(Options{API: u})
	if err != nil {
		tb.Fatal(err)
	}
	known := w.usual()
	known.namespaces = map[string]namespace{
		"": {ID: 0, Case: "first-letter", Content: true}, "media": {ID: -2, Name: "Media", Case: "first-letter"},
		"special": {ID: -1, Name: "Special", Case: "first-letter"}, "user talk": {ID: 3, Name: "User talk", Case: "first-letter"},
		"file": {ID: 6, Name: "Datei", Case: "first-letter"}, "datei": {ID: 6, Name: "Datei", Case: "first-letter"}, "image": {ID: 6, Name: "Datei", Case: "first-letter"},
		"lex": {ID: 100, Name: "Lex", Case: "case-sensitive"},
	}
	s(known)
	w.site.Store(known)
	return w
}

func TestTarget(t *testing.T) {
	public, err := url.Parse("https://wiki.example.org")
	if err != nil {
		t.Fatal(err)
	}
	w := sited(t, "http://10.0.0.5:8080/w/api.php", func(s *site) {
		s.server, s.script, s.articles, s.uploads = public, "/w/index.php", []string{"/wiki/$1", "/w/index.php/$1"}, "/w/images"
	})
	const host = "https://wiki.example.org"
	for _, tt := range []struct {
		ref  string
		want wiki.Target
	}{
		{"/wiki/About_us", wiki.Target{Name: "About us", URL: host + "/wiki/About_us"}},
		{"/wiki/About_us#The_team", wiki.Target{Name: "About us", URL: host + "/wiki/About_us", Fragment: "The_team"}},
		{"#here", wiki.Target{Name: "From/Here", URL: host + "/wiki/From/Here", Fragment: "here"}},
		{"Other", wiki.Target{Name: "From/Other", URL: host + "/wiki/From/Other"}},
		{"/wiki/about_us", wiki.Target{Name: "About us", URL: host + "/wiki/about_us"}},
		{"/wiki/What%3F_100%25_of_a/b_%26_c%2Bd", wiki.Target{Name: "What? 100% of a/b & c+d", URL: host + "/wiki/What%3F_100%25_of_a/b_%26_c%2Bd"}},
		{"/wiki/%C3%A9tage/%E6%97%A5", wiki.Target{Name: "Étage/日", URL: host + "/wiki/%C3%A9tage/%E6%97%A5"}},
		{"/wiki/user_talk:joe", wiki.Target{Name: "User talk:Joe", URL: host + "/wiki/user_talk:joe"}},
		{"/wiki/lex:word", wiki.Target{Name: "Lex:word", URL: host + "/wiki/lex:word"}},
		{"/wiki/Tale:_the_first", wiki.Target{Name: "Tale: the first", URL: host + "/wiki/Tale:_the_first"}},
		{"/wiki/Image:plan.png", wiki.Target{Name: "Datei:Plan.png", URL: host + "/wiki/Image:plan.png"}},
		{"/w/index.php?title=About_us", wiki.Target{Name: "About us", URL: host + "/w/index.php?title=About_us"}},
		{"/w/index.php/About_us", wiki.Target{Name: "About us", URL: host + "/w/index.php/About_us"}},
		{"/w/index.php?title=None&action=edit&redlink=1", wiki.Target{Name: "None", URL: host + "/w/index.php?title=None&action=edit&redlink=1"}},
		{"http://10.0.0.5:8080/wiki/About_us#x", wiki.Target{Name: "About us", URL: host + "/wiki/About_us", Fragment: "x"}},
		{"//wiki.example.org/wiki/About_us", wiki.Target{Name: "About us", URL: host + "/wiki/About_us"}},
		{"/w/images/a/ab/Plan.png", wiki.Target{Name: "Media:Plan.png", URL: host + "/w/images/a/ab/Plan.png"}},
		{"/w/images/Big_plan.png", wiki.Target{Name: "Media:Big plan.png", URL: host + "/w/images/Big_plan.png"}},
		{"/w/images/thumb/a/ab/Plan.png/120px-Plan.png", wiki.Target{Name: "Media:Plan.png", URL: host + "/w/images/thumb/a/ab/Plan.png/120px-Plan.png"}},

		{"/w/index.php?title=About_us&action=edit", wiki.Target{URL: host + "/w/index.php?title=About_us&action=edit"}},
		{"/w/index.php?title=About_us&action=history#x", wiki.Target{URL: host + "/w/index.php?title=About_us&action=history#x"}},
		{"/w/index.php?title=About_us&oldid=5", wiki.Target{URL: host + "/w/index.php?title=About_us&oldid=5"}},
		{"/w/index.php", wiki.Target{URL: host + "/w/index.php"}},
		{"/wiki/Special:Upload", wiki.Target{URL: host + "/wiki/Special:Upload"}},
		{"/wiki/special:upload", wiki.Target{URL: host + "/wiki/special:upload"}},
		{"/wiki/", wiki.Target{URL: host + "/wiki/"}},
		{"/wiki/a%7Cb", wiki.Target{URL: host + "/wiki/a%7Cb"}},
		{"/w/images/archive/a/ab/2020%21Plan.png", wiki.Target{URL: host + "/w/images/archive/a/ab/2020%21Plan.png"}},
		{"/w/images/a/ab/..%2f..%2fPlan.png", wiki.Target{URL: host + "/w/images/a/ab/..%2f..%2fPlan.png"}},
		{"/elsewhere", wiki.Target{URL: host + "/elsewhere"}},
		{"https://en.wikipedia.org/wiki/About_us", wiki.Target{URL: "https://en.wikipedia.org/wiki/About_us"}},
		{"mailto:a@b.example", wiki.Target{URL: "mailto:a@b.example"}},
		{"javascript:alert(1)", wiki.Target{URL: "javascript:alert(1)"}},
	} {
		ref, err := url.Parse(tt.ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Target("From/Here", ref); got != tt.want {
			t.Errorf("%s leads to %+v, want %+v", tt.ref, got, tt.want)
		}
	}
}

// TestTargetUnreached: links of a wiki that was never reached.
func TestTargetUnreached(t *testing.T) {
	u, err := url.Parse("http://127.0.0.1:1/w/api.php")
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Options{API: u})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"/wiki/About_us": "About us", "/w/index.php?title=about_us": "About us", "/w/index.php/About_us": "About us",
		"/w/images/a/ab/Plan.png": "Media:Plan.png", "/wiki/Special:Upload": "", "http://127.0.0.1:2/wiki/X": "",
	} {
		r, err := url.Parse(ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Target("From", r); got.Name != want {
			t.Errorf("%s leads to %+v, want %q", ref, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"Plain": "Plain", `<span class="x">Talk</span>:<i>A</i> &amp; B &lt;c&gt;`: "Talk:A & B <c>", "": "", "a < b": "a < b", "<script>x</script>": "x",
	} {
		if got := text(in); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzTitle: what Spell makes of a title is one, and stays as it is; the URL made of it leads back to it.
func FuzzTitle(f *testing.F) {
	for _, name := range append([]string{"datei:x", "Media: y", "lex:word", ":x", "::", " _ ", "ß", "a:b:c", "special:x"}, wikitest.Names...) {
		f.Add(name)
	}
	w := sited(f, "https://w.example/w/api.php", func(*site) {})
	f.Fuzz(func(t *testing.T, name string) {
		if _, err := Title(name); err != nil {
			return
		}
		s := w.Spell(name)
		if again := w.Spell(s); again != s {
			t.Errorf("Spell(%q) = %q, of which Spell makes %q", name, s, again)
		}
		u := w.known().view(s)
		target := w.Target("From", u)
		if target.Name != s && target.Name != "" {
			t.Errorf("%q is at %s, which leads to %+v", s, u, target)
		}
		if strings.Contains("/"+target.Name+"/", "/../") {
			t.Errorf("%q leads to %+v", name, target)
		}
	})
}
