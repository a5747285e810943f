package verify

import (
	"slices"
	"testing"
)

// outcomes by name, for tables.
var outcomes = map[string]Outcome{
	"works":       {},
	"page":        {Status: 200, Type: "text/html", Hash: "a"},
	"page, plain": {Status: 200},
	"other bytes": {Status: 200, Type: "text/html", Hash: "b"},
	"as text":     {Status: 200, Type: "text/plain", Hash: "a"},
	"in UTF-8":    {Status: 200, Type: "text/html; charset=UTF-8", Hash: "a"},
	"no type":     {Status: 200, Hash: "a"},
	"301":         {Status: 301, Location: "/new", Hops: 1, End: "/new", EndStatus: 200, Type: "text/html", Hash: "a"},
	"308":         {Status: 308, Location: "/new", Hops: 1, End: "/new", EndStatus: 200, Type: "text/html", Hash: "a"},
	"302":         {Status: 302, Location: "/new", Hops: 1, End: "/new", EndStatus: 200, Type: "text/html", Hash: "a"},
	"301 else":    {Status: 301, Location: "/else", Hops: 1, End: "/else", EndStatus: 200, Type: "text/html", Hash: "b"},
	"301 twin":    {Status: 301, Location: "/twin", Hops: 1, End: "/twin", EndStatus: 200, Type: "text/html", Hash: "a"},
	"301 unread":  {Status: 301, Location: "/new", Hops: 1, End: "/new", EndStatus: 200},
	"301 part":    {Status: 301, Location: "/new#part", Hops: 1, End: "/new", EndStatus: 200},
	"301 front":   {Status: 301, Location: "/", Hops: 1, End: "/", EndStatus: 200, Type: "text/html", Hash: "f"},
	"301 away":    {Status: 301, Location: "https://h.example/", Hops: 1, End: "https://h.example/"},
	"301 away 2":  {Status: 301, Location: "https://i.example/", Hops: 1, End: "https://i.example/"},
	"two hops":    {Status: 301, Location: "/mid", Hops: 2, End: "/new", EndStatus: 200, Type: "text/html", Hash: "a"},
	"to 404":      {Status: 301, Location: "/x", Hops: 1, End: "/x", EndStatus: 404},
	"loop":        {Status: 301, Location: "/x", Hops: 11, End: "/x", Error: errorLoop},
	"404":         {Status: 404},
	"410":         {Status: 410},
	"403":         {Status: 403},
	"414":         {Status: 414},
	"500":         {Status: 500},
	"no answer":   {Error: "connection refused"},
	"to 500":      {Status: 301, Location: "/x", Hops: 1, End: "/x", EndStatus: 500},
	"206":         {Status: 206},
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		before, now, want string // want: a verdict, or the class of what is worse
	}{
		{"works", "page", "same"}, {"works", "301", "fine"}, {"works", "302", "fine"}, {"works", "301 away", "fine"},
		{"works", "301 front", "front"}, {"works", "404", "lost"}, {"works", "410", "gone"}, {"works", "403", "refused"}, {"works", "414", "refused"},
		{"works", "500", "failed"}, {"works", "no answer", "failed"}, {"works", "to 404", "dead"}, {"works", "to 500", "failed"}, {"works", "loop", "loop"}, {"works", "two hops", "chain"},

		{"page", "page", "same"}, {"page", "page, plain", "type"}, {"page, plain", "page", "same"}, {"page", "other bytes", "content"}, {"page", "as text", "type"}, {"page", "in UTF-8", "charset"},
		{"no type", "page", "same"}, {"page", "no type", "type"},
		{"page", "301", "fine"}, {"page", "302", "fine"}, {"page", "301 twin", "fine"}, {"page", "301 else", "elsewhere"}, {"page", "301 unread", "fine"}, {"page, plain", "301 else", "fine"},
		{"page", "301 front", "front"}, {"page", "301 away", "away"}, {"page", "two hops", "chain"}, {"page", "to 404", "dead"}, {"page", "loop", "loop"},
		{"page", "404", "lost"}, {"page", "410", "gone"}, {"page", "403", "refused"}, {"page", "500", "failed"}, {"page", "no answer", "failed"}, {"206", "page", "same"},

		{"301", "301", "same"}, {"301", "302", "temporary"}, {"308", "301", "fine"}, {"308", "302", "temporary"}, {"302", "301", "fine"}, {"301", "301 else", "target"}, {"301", "301 twin", "fine"},
		{"301 unread", "301 part", "target"}, {"301 part", "301 unread", "target"}, {"301", "301 front", "target"}, {"301", "301 away", "target"}, {"301 away", "301 away 2", "target"}, {"301 away", "301 away", "same"},
		{"301", "page", "fine"}, {"301", "other bytes", "unmoved"}, {"301 unread", "page", "unmoved"}, {"301", "two hops", "chain"}, {"two hops", "301", "better"}, {"two hops", "two hops", "same"},
		{"301", "404", "lost"}, {"301", "410", "gone"}, {"301", "to 404", "dead"}, {"301", "loop", "loop"}, {"301", "500", "failed"},

		{"404", "404", "same"}, {"404", "410", "fine"}, {"404", "page", "better"}, {"404", "301", "better"}, {"404", "to 404", "fine"}, {"404", "500", "failed"}, {"404", "loop", "loop"}, {"404", "two hops", "chain"},
		{"410", "410", "same"}, {"410", "404", "forgotten"}, {"410", "page", "better"}, {"410", "403", "fine"},
		{"403", "403", "same"}, {"403", "404", "fine"}, {"403", "page", "exposed"}, {"403", "301", "exposed"}, {"403", "no answer", "failed"},
		{"500", "500", "same"}, {"500", "404", "better"}, {"500", "page", "better"}, {"no answer", "500", "fine"}, {"no answer", "no answer", "same"}, {"no answer", "page", "better"},
		{"loop", "loop", "same"}, {"loop", "404", "fine"}, {"loop", "301", "better"}, {"to 404", "to 404", "same"}, {"to 404", "301", "better"}, {"to 404", "404", "fine"},
	} {
		before, ok1 := outcomes[test.before]
		now, ok2 := outcomes[test.now]
		if !ok1 || !ok2 {
			t.Fatalf("%+v", test)
		}
		verdict, class := compare("/page", before, now)
		got := string(verdict)
		if verdict == Worse {
			got = string(class)
		} else if class != "" {
			t.Errorf("%s -> %s: %s and the class %s", test.before, test.now, verdict, class)
		}
		if got != test.want {
			t.Errorf("%s -> %s: %s, want %s", test.before, test.now, got, test.want)
		}
	}
	if verdict, _ := compare("/?x=1", outcomes["page, plain"], outcomes["301 front"]); verdict != Fine {
		t.Errorf("the front page in another spelling: %s", verdict)
	}
}

// TestCompareAll: whatever is compared with itself is the same, and every
// verdict worse has one of the classes.
func TestCompareAll(t *testing.T) {
	for name1, before := range outcomes {
		for name2, now := range outcomes {
			verdict, class := compare("/page", before, now)
			if name1 == name2 && name1 != "works" && verdict != Same {
				t.Errorf("%s with itself: %s %s", name1, verdict, class)
			}
			if (verdict == Worse) != slices.Contains(Classes(), class) {
				t.Errorf("%s -> %s: %s %q", name1, name2, verdict, class)
			}
		}
	}
}

func TestExact(t *testing.T) {
	for _, test := range []struct {
		name   string
		before Outcome
		now    string
		want   Class
	}{
		{"as said", Outcome{Status: 301, Location: "/new"}, "301", ""},
		{"another target", Outcome{Status: 301, Location: "/old"}, "301", Target},
		{"another status", Outcome{Status: 302, Location: "/new"}, "301", Unexpected},
		{"a page", Outcome{Status: 200}, "301", Unexpected},
		{"gone and back", Outcome{Status: 410}, "page", Unexpected},
		{"missing and back", Outcome{Status: 404}, "301", Unexpected},
		{"lost", Outcome{Status: 200}, "404", Lost},
		{"nothing said", Outcome{}, "301", ""},
	} {
		verdict, class := judge(&Expected{Target: "/page", Outcome: test.before, exact: true}, outcomes[test.now])
		if class != test.want || (verdict == Worse) != (test.want != "") {
			t.Errorf("%s: %s %s, want %s", test.name, verdict, class, test.want)
		}
	}
}
