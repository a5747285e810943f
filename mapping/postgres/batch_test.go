// Imports: verdicts, conflicts, claims and loops.

package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pagemap/mapping"
)

// rows are pages of origin import written as "/a 301 /b", or of another origin as
// "populate: /a 200 file:/a", with tags and a note behind "#".
func rows(t testing.TB, lines ...string) []mapping.Page {
	t.Helper()
	var list []mapping.Page
	for _, line := range lines {
		origin := "import"
		if name, rest, ok := strings.Cut(line, ": "); ok {
			origin, line = name, rest
		}
		line, words, tagged := strings.Cut(line, " #")
		p := *set(t, line).Page
		var err error
		if p.Origin, err = mapping.ParseOrigin(origin); err != nil {
			t.Fatal(err)
		}
		if tagged {
			p.Tags, p.Note = strings.Fields(words), "about "+words
		}
		list = append(list, p)
	}
	return list
}

// text is a page as rows reads it.
func text(p mapping.Page) string {
	line := strings.TrimSpace(fmt.Sprint(p.Origin, ": ", p.Pattern, " ", p.Status, " ", p.Source))
	if p.DropQuery {
		line += " (drop)"
	}
	if len(p.Tags) > 0 || p.Note != "" {
		line += fmt.Sprint(" #", strings.Join(p.Tags, " "), "|", p.Note)
	}
	return line
}

// table is every row with all that a revert restores, in the order of the paths.
func table(t testing.TB, db *DB) string {
	t.Helper()
	var b strings.Builder
	for _, p := range all(t, db.Pages(t.Context(), Filter{})) {
		b.WriteString(text(p) + "\n")
	}
	return b.String()
}

var imports = ChangeSet{Author: "ana", Origin: mapping.OriginImport, Note: "list"}

func TestImport(t *testing.T) {
	db := site(t)
	made := []string{"/a 301 /b #tag", "admin: /c 410", "cli: /d 404", "populate: /f 200 file:/f", "auto: /g 200 file:/g"}
	for _, c := range []struct {
		name   string
		batch  []string
		option Batch
		want   Plan // its numbers
		err    error
		then   []string // rows there, beyond or instead of those made; "-/a" is none
	}{
		{name: "new", batch: []string{"/n 301 /m", "/o 404"}, want: Plan{Result: Result{Added: 2}}, then: []string{"import: /n 301 /m", "import: /o 404"}},
		{name: "unchanged, with what the row has", batch: []string{"/a 301 /b", "/c 410"}, want: Plan{Result: Result{Unchanged: 2}}},
		{name: "tags and note", batch: []string{"/a 301 /b #other", "/c 410 #x"}, want: Plan{Result: Result{Changed: 2}},
			then: []string{"import: /a 301 /b #other|about other", "import: /c 410 #x|about x"}},
		{name: "over the tree's memory", batch: []string{"/f 200 file:/f", "/g 410"}, want: Plan{Result: Result{Changed: 2}},
			then: []string{"import: /f 200 file:/f", "import: /g 410"}},
		{name: "a copy of the tree's memory", batch: []string{"populate: /f 200 file:/f", "auto: /new 200 file:/new"}, want: Plan{Result: Result{Added: 1, Unchanged: 1}},
			then: []string{"auto: /new 200 file:/new"}},
		{name: "conflict", batch: []string{"/a 410", "/n 404", "/f 410"}, want: Plan{Result: Result{Added: 1, Changed: 1}, Kept: 1}, err: ErrConflict},
		{name: "keep", batch: []string{"/a 410", "/n 404"}, option: Batch{Conflict: ConflictKeep}, want: Plan{Result: Result{Added: 1}, Kept: 1}, then: []string{"import: /n 404"}},
		{name: "replace", batch: []string{"/a 410", "/c 301 /n"}, option: Batch{Conflict: ConflictReplace}, want: Plan{Result: Result{Changed: 2}, Replaced: 2},
			then: []string{"import: /a 410", "import: /c 301 /n"}},
		{name: "loop", batch: []string{"/b 301 /a", "/n 404"}, want: Plan{Result: Result{Added: 1}, LeftOut: 1}, err: ErrLoop},
		{name: "without the loop", batch: []string{"/b 301 /a", "/n 404", "/x 301 /y", "/y 302 /x", "/z 301 /x"}, option: Batch{SkipLoops: true}, want: Plan{Result: Result{Added: 1}, LeftOut: 4},
			then: []string{"import: /n 404"}},
		{name: "claim", batch: []string{"/a 301 /b", "/n 404"}, option: Batch{Claim: &Claim{Origins: []mapping.Origin{mapping.OriginImport, mapping.OriginCLI}}},
			want: Plan{Result: Result{Added: 1, Changed: 1, Removed: 1}}, then: []string{"import: /a 301 /b", "import: /n 404", "-/d"}},
		{name: "claim of what is below", batch: []string{"/a 301 /b #tag"}, option: Batch{Claim: &Claim{Under: "/a", Origins: []mapping.Origin{mapping.OriginCLI}}},
			want: Plan{Result: Result{Unchanged: 1}}},
		{name: "claim without a row's origin", batch: []string{"/c 404", "/f 404"}, option: Batch{Claim: &Claim{Origins: []mapping.Origin{mapping.OriginCLI}}},
			want: Plan{Result: Result{Changed: 1, Removed: 1}, Kept: 1}, err: ErrConflict},
		{name: "claim of the tree's memory", option: Batch{Claim: &Claim{Origins: []mapping.Origin{mapping.OriginAuto, mapping.OriginPopulate}}}},
	} {
		for _, dry := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, dry %v", c.name, dry), func(t *testing.T) {
				exec(t, db, `DELETE FROM pages`)
				if _, err := db.Import(t.Context(), imports, Batch{Pages: rows(t, made...)}); err != nil {
					t.Fatal(err)
				}
				before := table(t, db)
				b := c.option
				b.Pages, b.Show, b.DryRun = rows(t, c.batch...), 10, dry
				plan, err := db.Import(t.Context(), imports, b)
				if !errors.Is(err, c.err) || plan == nil {
					t.Fatalf("%+v, %v; want %v", plan, err, c.err)
				}
				got := Plan{Result: Result{Added: plan.Added, Changed: plan.Changed, Removed: plan.Removed, Unchanged: plan.Unchanged}, Kept: plan.Kept, Replaced: plan.Replaced, LeftOut: plan.LeftOut}
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("plan = %+v, want %+v", got, c.want)
				}
				if written := c.want.Added + c.want.Changed + c.want.Removed; c.err == nil && len(plan.Differences) != written {
					t.Errorf("%d differences, want %d: %+v", len(plan.Differences), written, plan.Differences)
				}
				if n := plan.Added + plan.Changed + plan.Unchanged + plan.Kept + plan.LeftOut; n != len(b.Pages) {
					t.Errorf("%d rows accounted for, want %d", n, len(b.Pages))
				}
				if len(plan.Conflicts) != plan.Kept+plan.Replaced {
					t.Errorf("conflicts = %+v", plan.Conflicts)
				}
				want := strings.Split(strings.TrimSuffix(before, "\n"), "\n")
				if !dry && c.err == nil {
					for _, line := range c.then {
						path := strings.TrimPrefix(line, "-")
						if !strings.HasPrefix(line, "-") {
							path = strings.Fields(line)[1]
						}
						want = slices.DeleteFunc(want, func(l string) bool { return strings.Fields(l)[1] == path })
						if !strings.HasPrefix(line, "-") {
							want = append(want, line)
						}
					}
					slices.SortFunc(want, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
					if (plan.ChangeSet != 0) != (len(c.then) > 0) {
						t.Errorf("change-set %d", plan.ChangeSet)
					}
				} else if plan.ChangeSet != 0 || plan.LastChange != 0 {
					t.Errorf("change-set %d, last change %d of what was not written", plan.ChangeSet, plan.LastChange)
				}
				if got := table(t, db); got != strings.Join(want, "\n")+"\n" {
					t.Errorf("table =\n%swant\n%s", got, strings.Join(want, "\n"))
				}
			})
		}
	}
}

// The plan names what makes a loop: the batch's rows, not those it leads astray.
func TestImportNamesLoops(t *testing.T) {
	db := site(t)
	write(t, db, "/new/a 301 /docs/a", "/b 404", "/p 301 /b", "/b/* 301 /p")
	for _, c := range []struct {
		batch []string
		want  string
	}{
		{batch: []string{"/x 301 /y", "/y 301 /z", "/z 301 /x", "/w 301 /x"}, want: "/w:/w /x:/x /y:/y /z:/z"},
		{batch: []string{"/docs/* 301 /new/*"}, want: "/new/a:/docs/*"},
		{batch: []string{"/docs/* 301 /new/*", "/new/b 404"}, want: "/new/a:/docs/*"},
		{batch: []string{"/docs/a 301 /new/a"}, want: "/docs/a:/docs/a"},
	} {
		plan, err := db.Import(t.Context(), imports, Batch{Pages: rows(t, c.batch...), PlanOptions: PlanOptions{DryRun: true}})
		if !errors.Is(err, ErrLoop) {
			t.Fatalf("%v: %+v, %v", c.batch, plan, err)
		}
		var got []string
		for _, l := range plan.Loops {
			got = append(got, l.Row.Pattern+":"+strings.Join(l.Through, ","))
		}
		if !strings.Contains(strings.Join(got, " "), c.want) {
			t.Errorf("%v: loops %v, want %s", c.batch, got, c.want)
		}
	}
}

func TestClaimOfMany(t *testing.T) {
	db := site(t)
	var pages []mapping.Page
	for i := range 300 {
		pages = append(pages, rows(t, fmt.Sprintf("/old/%d 410", i))...)
	}
	if _, err := db.Import(t.Context(), imports, Batch{Pages: pages}); err != nil {
		t.Fatal(err)
	}
	claim := Claim{Origins: []mapping.Origin{mapping.OriginImport}}
	plan, err := db.Import(t.Context(), imports, Batch{Pages: pages[:199], Claim: &claim})
	if !errors.Is(err, ErrManyRemovals) || plan.Removed != 101 || plan.Unchanged != 199 {
		t.Errorf("101 of 300: %+v, %v", plan, err)
	}
	if plan, err := db.Import(t.Context(), imports, Batch{Pages: pages[:200], Claim: &claim}); err != nil || plan.Removed != 100 {
		t.Errorf("100 of 300: %+v, %v", plan, err)
	}
	claim.Force = true
	if plan, err := db.Import(t.Context(), imports, Batch{Claim: &claim}); err != nil || plan.Removed != 200 {
		t.Errorf("all: %+v, %v", plan, err)
	}
}

// random is a table or a list: pages of few paths, of all kinds.
func random(r *rand.Rand, n int, origins ...mapping.Origin) []mapping.Page {
	pages := map[string]mapping.Page{}
	paths := func() string { return fmt.Sprintf("/p%d/%d", r.IntN(4), r.IntN(12)) }
	for range n {
		p := mapping.Page{Row: mapping.Row{Pattern: paths(), Origin: origins[r.IntN(len(origins))]}}
		switch kind := r.IntN(6); {
		case p.Origin.Tree():
			p.Status, p.Source = 200, "file:"+p.Pattern
		case kind == 0:
			p.Status, p.Source = 200, fmt.Sprint("wiki:Page ", r.IntN(3))
		case kind == 1:
			p.Status = 410
		case kind == 2:
			p.Pattern, p.Status, p.Source = fmt.Sprintf("/p%d/*", r.IntN(4)), 301, fmt.Sprintf("/q%d/*", r.IntN(4))
		default:
			p.Status, p.Source, p.DropQuery = 301+uint16(r.IntN(2)), paths(), r.IntN(4) == 0
		}
		if r.IntN(3) == 0 {
			p.Tags = []string{[]string{"x", "y,z", `"q"`}[r.IntN(3)]}
		}
		if r.IntN(3) == 0 {
			p.Note = []string{"one", "two\nlines", "ünder"}[r.IntN(3)]
		}
		if p.Source != p.Pattern {
			pages[p.Pattern] = p
		}
	}
	list := make([]mapping.Page, 0, len(pages))
	for _, p := range pages {
		list = append(list, p)
	}
	return list
}

// What an import did, its revert takes back, to the last note; what the revert
// did as well. Others write at the same time, and lose nothing.
func TestRevertIsTheWayBack(t *testing.T) {
	t.Parallel()
	db := site(t)
	f := start(t, db, FollowerOptions{Listen: true})
	r := rand.New(rand.NewPCG(5, 25))
	every := []mapping.Origin{mapping.OriginAuto, mapping.OriginPopulate, mapping.OriginImport, mapping.OriginAdmin, mapping.OriginCLI}
	if _, err := db.Import(t.Context(), maria, Batch{Pages: random(r, 40, every...), SkipLoops: true}); err != nil {
		t.Fatal(err)
	}
	var others sync.WaitGroup
	stopped := make(chan struct{})
	for n := range 2 {
		others.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stopped:
					return
				default:
				}
				if _, err := db.Write(t.Context(), maria, edits(t, fmt.Sprintf("/other%d/%d 410", n, i%5), fmt.Sprintf("/other%d/%d 200 wiki:%d", n, (i+1)%5, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	mine := func() string {
		var lines []string
		for line := range strings.Lines(table(t, db)) {
			if !strings.Contains(line, ": /other") {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "")
	}
	done := 0
	for range 30 {
		b := Batch{Pages: random(r, 30, every...), Conflict: ConflictKeep + Conflict(r.IntN(2)), SkipLoops: true}
		if r.IntN(4) == 0 {
			b.Claim = &Claim{Under: "/p1", Origins: every[2+r.IntN(3):], Force: true}
		}
		before := mine()
		plan, err := db.Import(t.Context(), imports, b)
		if errors.Is(err, ErrLoop) {
			continue // made by a removal
		}
		if err != nil {
			t.Fatal(err)
		}
		after := mine()
		if plan.ChangeSet == 0 {
			continue
		}
		done++
		back, err := db.Revert(t.Context(), maria, plan.ChangeSet, RevertOptions{})
		if err != nil || back.Kept != 0 || back.Added+back.Changed+back.Removed != plan.Added+plan.Changed+plan.Removed {
			t.Fatalf("revert of %+v: %+v, %v", plan.Result, back, err)
		}
		if got := mine(); got != before {
			t.Fatalf("after the revert\n%swas\n%s", got, before)
		}
		if again, err := db.Revert(t.Context(), maria, plan.ChangeSet, RevertOptions{}); err != nil || again.ChangeSet != 0 {
			t.Fatalf("a second revert: %+v, %v", again, err)
		}
		if _, err := db.Revert(t.Context(), maria, back.ChangeSet, RevertOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := mine(); got != after {
			t.Fatalf("after the revert of the revert\n%swas\n%s", got, after)
		}
	}
	close(stopped)
	others.Wait()
	if done < 20 {
		t.Errorf("only %d imports changed something", done)
	}
	last := one[int64](t, db, `SELECT last FROM state`)
	if n := one[int64](t, db, `SELECT count(*) FROM changes`); n != last {
		t.Errorf("%d changes in the log, the last is %d", n, last)
	}
	eventually(t, 10e9, "the follower has all", func() bool { return f.Health().Number == last })
	sameTable(t, f, db)
}

func TestRevertPart(t *testing.T) {
	db := site(t)
	write(t, db, "/a 301 /x", "/b 404", "/gone 410")
	r := write(t, db, "/a 301 /y", "/b 410", "/new 404", "rm /gone")
	write(t, db, "/b 200 wiki:B", "rm /new", "/gone 404")

	if _, err := db.Revert(t.Context(), maria, 99, RevertOptions{}); !errors.Is(err, ErrNoChangeSet) {
		t.Errorf("no such change-set: %v", err)
	}
	dry, err := db.Revert(t.Context(), maria, r.ChangeSet, RevertOptions{PlanOptions: PlanOptions{DryRun: true, Show: 9}})
	if err != nil || dry.Changed != 1 || dry.Kept != 2 || dry.Unchanged != 1 || len(dry.Differences) != 1 || dry.ChangeSet != 0 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	plan, err := db.Revert(t.Context(), maria, r.ChangeSet, RevertOptions{})
	if err != nil || plan.Changed != 1 || plan.Kept != 2 || plan.Conflicts[0].Pattern != "/b" || plan.Conflicts[1].Pattern != "/gone" {
		t.Fatalf("revert: %+v, %v", plan, err)
	}
	if got, want := table(t, db), "cli: /a 301 /x\ncli: /b 200 wiki:B\ncli: /gone 404\n"; got != want {
		t.Errorf("table =\n%s", got)
	}
	plan, err = db.Revert(t.Context(), maria, r.ChangeSet, RevertOptions{Force: true})
	if err != nil || plan.Replaced != 2 || plan.Changed != 2 {
		t.Fatalf("forced: %+v, %v", plan, err)
	}
	if got, want := table(t, db), "cli: /a 301 /x\ncli: /b 404\ncli: /gone 410\n"; got != want {
		t.Errorf("table =\n%s", got)
	}

	r = write(t, db, "/a 404")
	write(t, db, "/x 301 /a")
	plan, err = db.Revert(t.Context(), maria, r.ChangeSet, RevertOptions{})
	if !errors.Is(err, ErrLoop) || plan == nil || len(plan.Loops) == 0 {
		t.Errorf("revert to a loop: %+v, %v", plan, err)
	}
}
