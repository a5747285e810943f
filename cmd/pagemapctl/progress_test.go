package main

import (
	"encoding/json"
	"testing"
)

func TestProgress(t *testing.T) {
	s := populated(t)
	if r := s.run(0, "progress"); r.err != "" {
		t.Error(r.err)
	} else {
		contains(t, r.out, "no requests are counted yet", "/docs/")
	}
	s.run(0, "page", "set", "/about.html", "200", "wiki:About")
	sqlExec(t, s.env["PAGEMAP_DATABASE"], `INSERT INTO pagemap.hits (day, path, hits, last) VALUES
		(current_date, '/about.html', 60, now()), (current_date, '/gone.html', 20, now()), (current_date, '/', 20, now()), (current_date - 300, '/', 9000, now())`)
	contains(t, s.run(0, "progress").out, "wiki             1 pages", "60.0 % of the requests", "100 requests for them")

	var got progressReportJSON
	if err := json.Unmarshal([]byte(s.run(0, "progress", "--json", "--depth", "0").out), &got); err != nil {
		t.Fatal(err)
	}
	wiki := got.Site.Kinds["wiki"]
	if wiki.Pages != 1 || wiki.Hits == nil || *wiki.Hits != 60 || got.Since == "" || len(got.Directories) != 0 {
		t.Errorf("%+v", got)
	}
	s.run(2, "progress", "--days", "0")
	s.run(2, "progress", "--depth", "-1")

	// Without a database the tree's files are counted, and nobody counts requests.
	s = offline(t, files)
	contains(t, s.run(0, "progress").out, "no requests are counted yet", "file ")
}
