package admin

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// One row: made, checked, changed, in conflict, restored, flipped, removed.
func TestOneRow(t *testing.T) {
	w := newWorld(t, map[string]string{"about.html": "about", "index.html": "home"})
	w.get("page").says("New row")
	w.get("page?path=/new.html").says("404 Not Found", "There is no row of exactly this path")

	made := w.post("page", url.Values{"path": {"https://www.example.org/new.html"}, "seen": {"0"}, "status": {"301"}, "source": {"/about.html"}, "tags": {"one, two"}, "note": {"a note"}, "why": {"moved"}, "do": {"save"}})
	made.says("Saved as change-set", "301 Moved Permanently → /about.html", "changed", "by maria", "moved")
	if got := w.row("/new.html"); got != "Moved Permanently /about.html admin one+two" {
		t.Fatalf("row %q", got)
	}
	w.get("page?path=/about.html").says("/new.html") // who redirects here

	// What nobody may write is refused, with the reason, and what was typed stays.
	for _, bad := range []struct{ name, path, status, source, says string }{
		{"a redirect to itself", "/new.html", "301", "/new.html", "would redirect for ever"},
		{"a loop", "/about.html", "301", "/new.html", "loop"},
		{"another scheme", "/new.html", "301", "javascript:alert(1)", "javascript:alert(1)"},
		{"no target", "/new.html", "301", "", "target"},
		{"no status", "/new.html", "999", "/x", "999"},
		{"no path", "new.html", "301", "/x", "new.html"},
		{"a file without a path", "/new.html", "200", "file:about.html", "file:about.html"},
	} {
		seen := "0"
		if row, err := w.db.Page(t.Context(), bad.path); err == nil {
			seen = fmt.Sprint(row.Change)
		}
		a := w.ask("maria", "POST", "page", url.Values{"path": {bad.path}, "seen": {seen}, "status": {bad.status}, "source": {bad.source}, "note": {"typed"}, "do": {"save"}})
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "typed") {
			t.Errorf("%s: %d", bad.name, a.status)
		}
		a.says(bad.says)
	}

	// Checks while typing.
	var v verdict
	for query, want := range map[string]string{
		"path=/x.html&status=301&source=/nowhere.html":   "dead",
		"path=/x.html&status=301&source=/new.html":       "chain",
		"path=/about.html&status=410":                    "hidden",
		"path=/x.html&status=200&source=file:/gone.html": "vanished",
		"path=/New.html&status=301&source=/":             "twins",
		"path=/about.html&status=301&source=/new.html":   "loop",
	} {
		if err := json.Unmarshal([]byte(w.get("page/check?"+query).body), &v); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(v.Faults, func(r remark) bool { return r.Kind == want }) {
			t.Errorf("%s: %+v", query, v)
		}
	}
	w.follow("page", &answer{t: t, status: 303, header: http.Header{"Location": {DefaultPath + "page?path=/new.html"}}}).silent("typed")
	// Without the script, by a button.
	form := w.get("page?path=/new.html").form("edit", "check")
	form.Set("source", "/nowhere.html")
	if a := w.ask("maria", "POST", "page", form); a.status != 200 {
		t.Errorf("check: %d", a.status)
	} else {
		a.says("target missing")
	}

	// Two editors.
	mine, theirs := w.get("page?path=/new.html").form("edit", "save"), w.get("page?path=/new.html").form("edit", "save")
	theirs.Set("source", "/")
	theirs.Set("why", "theirs first")
	w.post("page", theirs)
	mine.Set("source", "https://mine.example/")
	conflict := w.ask("ivo", "POST", "page", mine)
	if conflict.status != http.StatusConflict {
		t.Fatalf("conflict: %d", conflict.status)
	}
	conflict.says("Changed meanwhile", "maria has changed /new.html", "theirs first", "As it is now", "As you want it", "https://mine.example/")
	if got := w.row("/new.html"); !strings.Contains(got, " / ") {
		t.Errorf("lost update: %q", got)
	}
	over := w.ask("ivo", "POST", "page", conflict.form("overwrite", "save"))
	if over.status != 303 || !strings.Contains(w.row("/new.html"), "https://mine.example/") {
		t.Errorf("overwritten: %d, %q", over.status, w.row("/new.html"))
	}
	// A row that was made meanwhile is not overwritten either.
	w.write("/made.html 410")
	if a := w.ask("maria", "POST", "page", url.Values{"path": {"/made.html"}, "seen": {"0"}, "status": {"301"}, "source": {"/"}, "do": {"save"}}); a.status != http.StatusConflict {
		t.Errorf("made meanwhile: %d", a.status)
	}
	// Nor is one removed that was changed.
	seen := w.get("page?path=/made.html").form("edit", "remove")
	w.write("/made.html 301 /")
	if a := w.ask("maria", "POST", "page", seen); a.status != http.StatusConflict || w.row("/made.html") == "" {
		t.Errorf("removed meanwhile: %d", a.status)
	}

	// Restoring a version.
	versions, err := w.db.Versions(t.Context(), "/new.html", 0, 10)
	if err != nil || len(versions) != 3 {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	page := w.get("page?path=/new.html")
	page.says("Restore", "present", "theirs first")
	first := formOf(versions[2].New)
	w.post("page", url.Values{"path": {"/new.html"}, "seen": {fmt.Sprint(versions[0].Number)}, "status": {fmt.Sprint(first.Status)}, "source": {first.Source}, "tags": {first.Tags}, "note": {first.Note}, "do": {"save"}})
	if got := w.row("/new.html"); got != "Moved Permanently /about.html admin one+two" {
		t.Errorf("restored: %q", got)
	}

	// A page flips to the wiki and back.
	w.post("page", w.get("page?path=/about.html").form("flip", "save"))
	if got := w.row("/about.html"); got != "OK wiki:about admin" {
		t.Errorf("flipped: %q", got)
	}
	w.post("page", w.get("page?path=/about.html").form("flip", "save"))
	if got := w.row("/about.html"); got != "OK file:/about.html admin" {
		t.Errorf("flipped back: %q", got)
	}
	w.post("page", w.get("page?path=/about.html").form("edit", "remove")).says("Removed", "200 OK") // the file answers again
	if got := w.row("/about.html"); got != "" {
		t.Errorf("removed: %q", got)
	}
	w.get("changes?path=/about.html").says("flipped to the wiki", "flipped to the file", "maria")
}

// Many rows: planned, carried out as they were shown, and taken back.
func TestBulk(t *testing.T) {
	w := newWorld(t, map[string]string{"docs/a.html": "a", "docs/b.html": "b", "docs/c.html": "c", "index.html": "home"},
		"/docs/old.html 301 https://old.example/x", "/other.html 301 https://old.example/y", "/manual/a.html 410")
	plan := func(filter string, form url.Values) *answer {
		t.Helper()
		w.get("bulk?" + filter).says("Change many")
		form.Set("filter", filter)
		form.Set("why", "in bulk")
		return w.post("plans", form)
	}
	apply := func(a *answer, path string) *answer {
		t.Helper()
		return w.post(path, a.form("apply", ""))
	}
	id := func(a *answer) string {
		t.Helper()
		_, rest, _ := strings.Cut(a.body, `action="`+DefaultPath+`plans/`)
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	rows := func(want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if got := w.row(want[i]); got != want[i+1] {
				t.Errorf("%s is %q, want %q", want[i], got, want[i+1])
			}
		}
	}

	a := plan("under=/docs/&undecided=1", url.Values{"op": {"tag"}, "tag": {"todo"}})
	a.says("under /docs/, undecided", "changed3", "Carry it out: 3 rows", "/docs/a.html")
	rows("/docs/a.html", "OK file:/docs/a.html populate") // nothing yet
	apply(a, "plans/"+id(a)+"/apply").says("Done, as change-set")
	rows("/docs/a.html", "OK file:/docs/a.html populate todo", "/docs/old.html", "Moved Permanently https://old.example/x cli")
	if again := w.ask("maria", "POST", "plans/"+id(a)+"/apply", a.form("apply", "")); again.status != http.StatusConflict {
		t.Errorf("applied twice: %d", again.status)
	}
	a = plan("tag=todo", url.Values{"op": {"untag"}, "tag-away": {"todo"}})
	apply(a, "plans/"+id(a)+"/apply")
	rows("/docs/a.html", "OK file:/docs/a.html populate")

	a = plan("in=source&how=prefix&q="+url.QueryEscape("https://old.example/"), url.Values{"op": {"target"}, "from-target": {"https://old.example/"}, "to-target": {"https://new.example/"}})
	a.says("changed2")
	apply(a, "plans/"+id(a)+"/apply")
	rows("/docs/old.html", "Moved Permanently https://new.example/x admin", "/other.html", "Moved Permanently https://new.example/y admin")

	// A row in the way of a move stays, unless it is to be replaced.
	a = plan("under=/docs/", url.Values{"op": {"move"}, "from": {"/docs/"}, "to": {"/manual/"}})
	a.says("in the way1", "added2", "/manual/a.html")
	a = w.post("plans/"+id(a)+"/again", url.Values{"conflict": {"replace"}})
	a.says("added2", "changed4")
	apply(a, "plans/"+id(a)+"/apply")
	rows("/manual/a.html", "OK file:/docs/a.html admin", "/manual/c.html", "OK file:/docs/c.html admin",
		"/docs/a.html", "Moved Permanently /manual/a.html admin", "/docs/old.html", "Moved Permanently https://new.example/x admin")
	sets, err := w.db.History(t.Context(), postgres.HistoryFilter{Limit: 1})
	if err != nil || sets[0].Author != "maria" || sets[0].Note != "in bulk" || sets[0].Origin != mapping.OriginAdmin || sets[0].Added != 2 || sets[0].Changed != 4 {
		t.Fatalf("%+v, %v", sets, err)
	}
	moved := sets[0].ID

	// What was not shown is not done: the table changes between plan and consent.
	a = plan("under=/manual/", url.Values{"op": {"gone"}})
	a.says("changed3")
	w.write("/manual/d.html 301 /")
	refused := apply(a, "plans/"+id(a)+"/apply")
	refused.says("The table has changed since this plan was made", "changed4")
	rows("/manual/d.html", "Moved Permanently / cli", "/manual/a.html", "OK file:/docs/a.html admin")
	a = w.post("plans/"+id(refused)+"/again", url.Values{"conflict": {""}})
	apply(a, "plans/"+id(a)+"/apply").says("Done")
	rows("/manual/d.html", "Gone admin", "/manual/a.html", "Gone admin")
	// Nor is another hash believed.
	a = plan("under=/manual/", url.Values{"op": {"remove"}})
	if got := w.ask("maria", "POST", "plans/"+id(a)+"/apply", url.Values{"hash": {"0"}}); got.status != http.StatusConflict {
		t.Errorf("another hash: %d", got.status)
	}

	// Taking back what was changed since needs to be asked for.
	w.get(fmt.Sprint("changes/", moved)).says("Take it back", "/manual/c.html", "in bulk")
	a = w.post(fmt.Sprint("changes/", moved, "/revert"), url.Values{"why": {"too early"}})
	a.says("take change-set", "Changed since", "in the way3", "/manual/a.html", "410 (admin)")
	a = w.post("plans/"+id(a)+"/again", url.Values{"conflict": {"replace"}})
	a.says("removed2")
	apply(a, "plans/"+id(a)+"/apply").says("Done")
	rows("/manual/a.html", "Gone cli", "/manual/c.html", "", "/docs/a.html", "OK file:/docs/a.html populate")

	// What makes no sense is refused before it is planned.
	for _, bad := range []url.Values{
		{"op": {"nothing"}}, {"op": {"answer"}, "status": {"301"}, "source": {"javascript:alert(1)"}}, {"op": {"answer"}, "status": {"7"}},
		{"op": {"move"}, "from": {"/a"}, "to": {"/a/"}}, {"op": {"tag"}}, {"op": {"target"}}, {"op": {"answer"}, "filter": {"status=9"}},
	} {
		if got := w.ask("maria", "POST", "plans", bad); got.status != 422 && got.status != 400 {
			t.Errorf("%v: %d", bad, got.status)
		}
	}
	w.write("/l1 301 /l2", "/l2 410")
	a = plan("q=/l2&in=path", url.Values{"op": {"answer"}, "status": {"301"}, "source": {"/l1"}})
	a.says("come back to themselves", "Loops").silent("Carry it out")
	if got := w.ask("nora", "GET", "plans/"+id(a), nil); got.status != 200 && id(a) != "" {
		t.Errorf("a reader: %d", got.status)
	}
	if got := w.ask("maria", "GET", "plans/x%27%3B", nil); got.status != 404 {
		t.Errorf("a bad id: %d", got.status)
	}
}

// TestPlanIsCarriedOutOnce: while a plan is being carried out, its page says so, and another editor's consent is refused.
func TestPlanIsCarriedOutOnce(t *testing.T) {
	w := newWorld(t, nil, "/a 301 /b")
	planned := w.ask("maria", "POST", "plans", url.Values{"filter": {"q=/a"}, "op": {"gone"}, "why": {"gone"}})
	at := strings.TrimPrefix(planned.header.Get("Location"), DefaultPath)
	consent := w.get(at).form("apply", "")

	// A lock of the table holds the first one up.
	blocker, err := sql.Open("postgres", w.dsn+" search_path=pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	lock, err := blocker.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	if _, err := lock.ExecContext(t.Context(), `LOCK TABLE pages IN EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	if first := w.ask("maria", "POST", at+"/apply", consent); first.status != http.StatusSeeOther {
		t.Fatalf("the first consent: %d %s", first.status, first.text())
	}
	if page := w.get(at); page.header.Get("Refresh") == "" || w.row("/a") != "Moved Permanently /b cli" {
		t.Errorf("the page of a plan that waits: %s", page.text())
	}
	if second := w.ask("ivo", "POST", at+"/apply", consent); second.status != http.StatusConflict || !strings.Contains(second.text(), "or is doing so") {
		t.Errorf("the second consent: %d %s", second.status, second.text())
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); w.get(at).header.Get("Refresh") != ""; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the plan is not carried out")
		}
	}
	w.get(at).says("Done, as change-set")
	sets, err := w.db.History(t.Context(), postgres.HistoryFilter{Limit: 9})
	if err != nil || len(sets) != 2 || sets[0].Author != "maria" || w.row("/a") != "Gone admin" {
		t.Errorf("%+v, %v, %s", sets, err, w.row("/a"))
	}
}

// An import: every line accounted for before anything is written.
func TestImport(t *testing.T) {
	w := newWorld(t, map[string]string{"index.html": "home"}, "/mine.html 301 /")
	id := func(a *answer) string {
		_, rest, _ := strings.Cut(a.body, `action="`+DefaultPath+`plans/`)
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	list := "path,status,source\n/one.html,301,/\n/two.html,301,javascript:alert(1)\n/mine.html,410,\n/one.html,301,/\nbad,301,/\n"
	a := w.upload("list.csv", list, nil)
	a.says("import list.csv", "6 lines", "hold", "2 refused", "1 duplicate", "javascript:alert(1)", "/mine.html").silent("Carry it out")
	if w.row("/one.html") != "" {
		t.Error("something was written")
	}
	a = w.post("plans/"+id(a)+"/again", url.Values{"conflict": {"keep"}, "skip-bad": {"1"}})
	a.says("added1", "Carry it out: 1 row")
	w.post("plans/"+id(a)+"/apply", a.form("apply", "")).says("Done")
	if w.row("/one.html") != "Moved Permanently / import" || w.row("/mine.html") != "Moved Permanently / cli" {
		t.Errorf("%q %q", w.row("/one.html"), w.row("/mine.html"))
	}
	// Pasted lines, of another format.
	a = w.post("import", url.Values{"text": {"/p.html /one.html 302\n"}, "format": {"redirects"}, "why": {"pasted"}})
	w.post("plans/"+id(a)+"/apply", a.form("apply", "")).says("Done")
	if w.row("/p.html") != "Found /one.html import" {
		t.Errorf("%q", w.row("/p.html"))
	}
	for _, bad := range []url.Values{{}, {"text": {"x"}}, {"text": {"x"}, "format": {"odt"}}, {"text": {"x"}, "format": {"htaccess"}, "base": {"x"}}} {
		if got := w.ask("maria", "POST", "import", bad); got.status != 422 {
			t.Errorf("%v: %d", bad, got.status)
		}
	}
}

// add counts misses and hits as responders do.
func (w *world) add(count func(*traffic.Tally)) {
	w.t.Helper()
	store, err := postgres.NewTraffic(w.db, postgres.TrafficOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	tally := traffic.Tally{Hosts: hosts}
	count(&tally)
	if err := store.AddTraffic(w.t.Context(), tally.Batch()); err != nil {
		w.t.Fatal(err)
	}
}

// The 404s, and asking for one.
func TestMisses(t *testing.T) {
	w := newWorld(t, map[string]string{"about.html": "about", "docs/install.html": "x"}, "/there.html 301 /about.html")
	now := time.Now()
	w.get("misses").says("None: every path")
	w.add(func(c *traffic.Tally) {
		for _, m := range []struct {
			path, from string
			n          int
		}{
			{"/About.htm", "https://www.example.org/x", 2}, {"/abuot.html", "https://blog.example.com/<script>", 9}, {"/docs/instal.html", "", 5},
			{"/there.html", "", 99}, {"/old/a.asp", "", 3}, {"/old/b.asp", "", 3}, {"/old/c.asp", "", 3}, {"/gone.html", "", 1},
		} {
			for range m.n {
				c.Miss(mapping.Path(m.path), m.from, now)
			}
		}
	})
	w.get("misses")
	var list *answer
	for range 200 { // suggestions come later
		if list = w.get("misses"); !strings.Contains(list.body, "data-pending") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	list.says("/abuot.html", "blog.example.com", "own", "/docs/").silent("/there.html")
	form := list.form("settle", "")
	if form.Get("to /abuot.html") != "/about.html" || form.Get("to /About.htm") != "/about.html" || form.Get("to /docs/instal.html") != "/docs/install.html" {
		t.Errorf("suggestions: %v", form)
	}
	if first := strings.Index(list.body, "/About.htm"); first < 0 || first > strings.Index(list.body, "/abuot.html") {
		t.Error("the site's own mistakes do not come first")
	}
	var near []suggested
	if err := json.Unmarshal([]byte(w.get("near?path=/abuot.html&path=/old/a.asp").body), &near); err != nil || len(near) != 2 || near[0].Pending || near[0].Suggestions[0].URL != "/about.html" {
		t.Errorf("near: %+v, %v", near, err)
	}

	with := func(name string, values ...string) url.Values {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		f[name] = values
		return f
	}
	w.post("misses", with("map", "/abuot.html")).says("1 path is settled").silent("/abuot.html ")
	if got := w.row("/abuot.html"); got != "Moved Permanently /about.html admin" {
		t.Errorf("mapped: %q", got)
	}
	w.post("misses", with("gone", "/gone.html"))
	if got := w.row("/gone.html"); got != "Gone admin" {
		t.Errorf("gone: %q", got)
	}
	many := with("path", "/old/a.asp", "/old/b.asp")
	many.Set("all", "gone")
	w.post("misses", many).says("2 paths are settled")
	if w.row("/old/a.asp") != "Gone admin" || w.row("/old/b.asp") != "Gone admin" {
		t.Error("many are not gone")
	}
	w.post("misses", with("ignore", "/old/c.asp")).says("ignored from now on").silent("/old/c.asp ")
	w.get("ignored").says("/old/c.asp", "maria")
	w.post("ignored", url.Values{"do": {"add"}, "pattern": {"*.PHPX"}})
	w.get("ignored").says("*.PHPX")
	w.post("ignored", url.Values{"do": {"remove"}, "pattern": {"*.PHPX"}}).says("not ignored any more").silent("*.PHPX")
	// What has no target is not redirected, and nothing else is then.
	none := with("path", "/About.htm", "/docs/instal.html")
	none.Set("all", "map")
	none.Set("to /About.htm", "")
	if a := w.ask("maria", "POST", "misses", none); a.status != 422 || w.row("/docs/instal.html") != "" {
		t.Errorf("without a target: %d", a.status)
	}
	// What somebody else has settled stays.
	w.write("/docs/instal.html 302 /there.html")
	both := with("path", "/About.htm", "/docs/instal.html")
	both.Set("all", "map")
	w.post("misses", both).says("1 path is settled", "somebody else has made")
	if got := w.row("/docs/instal.html"); got != "Found /there.html cli" {
		t.Errorf("overwritten: %q", got)
	}

	w.get("ask").says("Paste a URL")
	w.get("ask?url=https://www.example.org/there.html%3Fx=1").says("301 Moved Permanently → /about.html?x=1", "Look at its row", "by shell", "by hand")
	w.get("ask?url=/abot.html").says("404 Not Found", "Make a row of it")
	w.get("ask?url=/%25zz").says("400")
	w.get("ask?url=/about.html").says("200 OK", "file:/about.html", "5 bytes")
}

// The list of rows: filters, screens, flags, and a pasted URL.
func TestPages(t *testing.T) {
	var lines []string
	for i := range 130 {
		lines = append(lines, fmt.Sprintf("/r/%03d.html 301 /target-%d.html", i, i%7))
	}
	w := newWorld(t, map[string]string{"index.html": "home", "a.html": "a"}, lines...)
	w.write("/last.html 410")
	w.add(func(c *traffic.Tally) { c.Hit("/a.html", 1234, time.Now()) })

	// Through all screens and back, by both orders.
	paths := func(a *answer) (list []string) {
		for _, part := range strings.Split(a.body, `<th scope="row" class="path"><a href="`)[1:] {
			_, rest, _ := strings.Cut(part, ">")
			name, _, _ := strings.Cut(rest, "<")
			list = append(list, name)
		}
		return list
	}
	link := func(a *answer, id string) string {
		_, rest, ok := strings.Cut(a.body, `id="`+id+`" rel="`)
		if !ok {
			return ""
		}
		_, rest, _ = strings.Cut(rest, `href="`)
		to, _, _ := strings.Cut(rest, `"`)
		return strings.TrimPrefix(strings.ReplaceAll(to, "&amp;", "&"), DefaultPath)
	}
	for _, start := range []string{"pages", "pages?order=changed", "pages?status=301&order=changed", "pages?q=html&in=path"} {
		var there, back []string
		at := start
		var screens [][]string
		var last *answer
		for at != "" {
			last = w.get(at)
			screens = append(screens, paths(last))
			there = append(there, paths(last)...)
			at = link(last, "next")
		}
		sorted := slices.Sorted(slices.Values(there))
		if len(slices.Compact(sorted)) != len(there) || len(there) < 130 || len(screens) != 3 {
			t.Fatalf("%s: %d rows on %d screens", start, len(there), len(screens))
		}
		if !strings.Contains(start, "changed") && !slices.IsSorted(there) {
			t.Errorf("%s: not in order", start)
		}
		for at = link(last, "back"); at != ""; {
			last = w.get(at)
			back = append(paths(last), back...)
			at = link(last, "back")
		}
		if !slices.Equal(back, there[:len(back)]) || len(back) != 100 {
			t.Errorf("%s: back are %d rows, not the same", start, len(back))
		}
	}
	if got := paths(w.get("pages?order=changed")); got[0] != "/last.html" {
		t.Errorf("changed last is %s", got[0])
	}
	w.get("pages?q=a.html").says("1\u202f234")
	for query, want := range map[string]int{
		"q=/r/00": 10, "q=target-6&in=source": 18, "under=/r/": 50, "status=410": 1, "undecided=1": 2, "never=1&status=200": 1, "by=shell&status=410": 1,
		"by=nobody": 0, "tag=x": 0, "since=2001-01-01&status=410": 1, "since=2999-01-01": 0, "origin=populate": 2, "found=young": 50, "found=dead": 0,
		"q=" + url.QueryEscape(`^/r/12\d`) + "&how=matches": 10, "q=/last&how=prefix": 1,
	} {
		if got := paths(w.get("pages?" + query)); len(got) != want {
			t.Errorf("%s: %d rows, want %d: %v", query, len(got), want, got)
		}
	}
	for _, bad := range []string{"status=1", "since=x", "found=x", "origin=x", "how=matches&q=(", "under=x"} {
		if a := w.ask("maria", "GET", "pages?"+bad, nil); a.status != 400 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
	a := w.ask("maria", "GET", "pages?q="+url.QueryEscape("http://www.example.org/r/001.html?utm=1#top"), nil)
	if to := a.header.Get("Location"); a.status != 303 || to != DefaultPath+"page?path=%2Fr%2F001.html" {
		t.Errorf("pasted: %d %s", a.status, to)
	}
	// Flags are those of the last check that was kept.
	w.get("pages").says("Flags are not known")
	err := w.db.KeepFindings(t.Context(), []string{"dead", "loop"}, []postgres.Finding{{Kind: "dead", Path: "/r/001.html", Detail: "leads nowhere", Command: "pagemapctl page rm /r/001.html"}})
	if err != nil {
		t.Fatal(err)
	}
	w.get("pages?found=dead").says("target missing", "Flags as of the check of", "/r/001.html").silent("/r/002.html", "missing?")
	w.get("findings").says("leads nowhere", "pagemapctl page rm", "1 finding")
	w.write("/r/001.html 410")
	w.get("pages?found=dead").says("target missing?") // the row was changed since
	// Export has what the filter finds.
	csv := w.get("export?status=410&format=csv")
	if !strings.Contains(csv.body, "/last.html") || strings.Contains(csv.body, "/r/002.html") || !strings.Contains(csv.header.Get("Content-Disposition"), "pagemap.csv") {
		t.Errorf("export: %v %s", csv.header, csv.body)
	}
	if a := w.ask("maria", "GET", "export?format=odt", nil); a.status != 400 || a.header.Get("Content-Disposition") != "" {
		t.Errorf("export of a bad format: %d", a.status)
	}
	// The front page sums up.
	for range 100 {
		if a := w.get(""); strings.Contains(a.body, "/r/") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := w.db.Report(t.Context(), postgres.Report{Name: "web1/1", Number: 1, Rows: 3, Requests: 12.5, Cached: 0.875}); err != nil {
		t.Fatal(err)
	}
	w.get("").says("2 undecided", "1 findings", "129 redirect", "web1/1", "12.5", "87.5 %", "behind", "hits a day", "by hand")
}

// What a POST did is said on the next page, once, and by nobody's link.
func TestDoneIsSaidOnce(t *testing.T) {
	w := newWorld(t, nil)
	a := w.ask("maria", "POST", "page", url.Values{"path": {"/p"}, "status": {"410"}, "do": {"save"}})
	cookies := a.cookies()
	if a.status != 303 || len(cookies) != 1 {
		t.Fatalf("%d %v", a.status, a.header)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != DefaultPath || c.MaxAge <= 0 {
		t.Errorf("the cookie is %v", c)
	}
	shown := w.get("page?path=/p", "Cookie", c.Name+"="+c.Value).says("Saved as change-set")
	if cleared := shown.cookies(); len(cleared) != 1 || cleared[0].Name != c.Name || cleared[0].MaxAge >= 0 {
		t.Errorf("it would be said again: %v", cleared)
	}
	if a := w.ask("maria", "GET", "page?path=/p&done=Call+me+at+once", nil); strings.Contains(a.body, "Call me") {
		t.Error("a link has the page say what it likes")
	}
}
