package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// Commands that write rows, or what is ignored, tell what they did as JSON.
func TestWritersJSON(t *testing.T) {
	s := populated(t)
	sqlExec(t, s.env["PAGEMAP_DATABASE"], `INSERT INTO pagemap.misses VALUES ('/lost.html', 2, now(), now(), '', false), ('/x.php', 1, now(), now(), '', false)`)
	for _, c := range []struct {
		args []string
		want map[string]any // but for the change-set's number
	}{
		{[]string{"page", "set", "/a", "301", "/about.html", "--json"}, map[string]any{"added": 1., "changed": 0., "removed": 0., "unchanged": 0.}},
		{[]string{"page", "set", "/a", "301", "/about.html", "--json"}, map[string]any{"added": 0., "changed": 0., "removed": 0., "unchanged": 1.}},
		{[]string{"page", "rm", "/a", "--json"}, map[string]any{"added": 0., "changed": 0., "removed": 1., "unchanged": 0.}},
		{[]string{"misses", "map", "/lost.html", "/about.html", "--json"}, map[string]any{"added": 1., "changed": 0., "removed": 0., "unchanged": 0.}},
		{[]string{"misses", "gone", "/lost.html", "/lost2.html", "--json"}, map[string]any{"added": 1., "changed": 1., "removed": 0., "unchanged": 0.}},
		{[]string{"misses", "ignore", "*.php", "--json"}, map[string]any{"ignored": []any{"*.php"}, "misses_dropped": 1.}},
		{[]string{"misses", "ignore", "--remove", "*.php", "--json"}, map[string]any{"removed": []any{"*.php"}, "misses_dropped": 0.}},
	} {
		var got map[string]any
		if out := s.run(0, c.args...).out; json.Unmarshal([]byte(out), &got) != nil {
			t.Errorf("%v: %s", c.args, out)
		}
		if set, ok := got["change_set"]; ok && (set == 0.) != (got["unchanged"] != 0.) {
			t.Errorf("%v: change-set %v", c.args, set)
		}
		delete(got, "change_set")
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %v, want %v", c.args, got, c.want)
		}
	}
}

// A row of a file that the tree does not have is written, and said to answer 404.
func TestSetWarnsOfMissingFiles(t *testing.T) {
	s := populated(t)
	if r := s.run(0, "page", "set", "/a", "200", "file:/about.html"); r.err != "" {
		t.Errorf("a file that is there: %s", r.err)
	}
	contains(t, s.run(0, "page", "set", "/a", "200", "file:/nosuch.html").err, "warning: /a answers 404: the tree has no file /nosuch.html")
	rows := "path,status,source\n"
	for i := range 12 {
		rows += fmt.Sprintf("/r%d,200,file:/nosuch.html\n", i)
	}
	r := s.runWith(rows, "page", "set", "-")
	contains(t, r.err, "2 more rows", "--kind vanished")
	if n := strings.Count(r.err, "the tree has no file"); n != 10 {
		t.Errorf("%d warnings, want 10:\n%s", n, r.err)
	}
	s.env["PAGEMAP_TREE"] = s.tree + "/none"
	contains(t, s.run(0, "page", "set", "/b", "200", "file:/about.html").err, "not looked for", "no such file")
}
