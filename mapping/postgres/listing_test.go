package postgres

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"
)

// patterns are those of a screen's rows.
func (s Screen) patterns() (list []string) {
	for _, r := range s.Rows {
		list = append(list, r.Pattern)
	}
	return list
}

func TestListOfFindings(t *testing.T) {
	db := site(t)
	write(t, db, "/a 301 /x", "/b 410", "/c 301 /x", "/d 301 /x", "/e 301 /x")
	var found []Finding
	for _, p := range []string{"/a", "/c", "/d", "/d", "/e", "/gone"} { // one twice, and one without a row
		found = append(found, Finding{Kind: "dead", Path: p})
	}
	if err := db.KeepFindings(t.Context(), []string{"dead", "chain"}, append(found, Finding{Kind: "chain", Path: "/b"})); err != nil {
		t.Fatal(err)
	}
	q := Query{Filter: Filter{Found: "dead", Limit: 2}}
	for _, tt := range []struct {
		name string
		list List
		want []string
		more bool
	}{
		{name: "first", list: List{Query: q}, want: []string{"/a", "/c"}, more: true},
		{name: "next", list: List{Query: q, Past: "/c"}, want: []string{"/d", "/e"}},
		{name: "back", list: List{Query: q, Past: "/e", Back: true}, want: []string{"/c", "/d"}, more: true},
		{name: "with another condition", list: List{Query: Query{Filter: Filter{Found: "dead", Status: 410}}}},
		{name: "by change", list: List{Query: Query{Filter: Filter{Found: "dead"}}, Order: ByChanged}, want: []string{"/e", "/d", "/c", "/a"}},
		{name: "never hit", list: List{Query: Query{Filter: Filter{Found: "chain", NeverHit: true}}}, want: []string{"/b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := db.List(t.Context(), tt.list)
			if err != nil || !slices.Equal(s.patterns(), tt.want) || s.More != tt.more || s.Looked != nil {
				t.Errorf("%q, more %t, looked %v, %v", s.patterns(), s.More, s.Looked, err)
			}
		})
	}
}

// TestWalk looks for the few rows that were never hit among many that were, without any time: step by step.
func TestWalk(t *testing.T) {
	db := site(t)
	exec(t, db, `SELECT begin_change_set('crawl', 'populate', '');
		INSERT INTO pages (path, status, source, origin, change) SELECT '/' || 10000 + i, 410, '', 'import', 0 FROM generate_series(0, 2999) i;
		INSERT INTO hits SELECT current_date, path, 1, now() FROM pages WHERE path NOT IN ('/10007', '/12400', '/12999')`)
	for _, tt := range []struct {
		name  string
		back  bool
		order Order
		want  []string
	}{
		{name: "by path", want: []string{"/10007", "/12400", "/12999"}},
		{name: "by path, back", back: true, want: []string{"/12999", "/12400", "/10007"}},
		{name: "by change", order: ByChanged, want: []string{"/12999", "/12400", "/10007"}},
		{name: "by change, back", order: ByChanged, back: true, want: []string{"/10007", "/12400", "/12999"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var found []string
			steps := 0
			past := Place{"/1", time.Time{}}
			if tt.back {
				past = Place{"/2", time.Now()}
			}
			if tt.order == ByChanged {
				past.Changed = time.Now().Add(time.Hour)
				if tt.back {
					past.Changed = time.Time{}
				}
			}
			for ; ; steps++ {
				q := screening{list: List{Order: tt.order, Back: tt.back}, n: 51, never: true}
				err := inTx(t.Context(), db.writers, snapshotTx, func(tx *sql.Tx) error {
					q.tx = tx
					some, err := q.walk(t.Context(), q.past(past))
					found = append(found, some...)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if q.looked == nil {
					break
				}
				past = *q.looked
			}
			if !slices.Equal(found, tt.want) || steps != 3000/firstStep { // time is over after each
				t.Errorf("%q in %d steps", found, steps)
			}
		})
	}
	s, err := db.List(t.Context(), List{Query: Query{Filter: Filter{NeverHit: true}}})
	if err != nil || fmt.Sprint(s.patterns()) != "[/10007 /12400 /12999]" || s.More {
		t.Errorf("%q, %v", s.patterns(), err)
	}
}

func TestMissGroups(t *testing.T) {
	db := site(t)
	exec(t, db, `INSERT INTO misses SELECT p, n, now(), now(), '', false FROM (VALUES ('/a', 1), ('/', 2), ('/docs/x', 5), ('/docs/y/z', 6), ('/über/x', 4)) v (p, n)`)
	groups, total, err := db.MissGroups(t.Context(), 2)
	if want := []MissGroup{{"/docs/", 2, 11}, {"/über/", 1, 4}}; err != nil || total != 5 || !slices.Equal(groups, want) {
		t.Errorf("%+v of %d, %v", groups, total, err)
	}
}
