// What is asked for, and of whom.

package main

import "net/http"

// scenario is one kind of requests.
type scenario struct {
	name       string
	title      string
	list       list
	accept     string // Accept-Encoding; "": none is sent
	status     int    // of every answer
	known      bool   // with If-None-Match of the page as it is
	changes    bool   // a row changes every second
	forgets    bool   // caches are emptied before
	seconds    func(o options) int
	contenders []string
	base       string // the contender that the others are compared with; "": none
	own        string // the scenario with which each contender's is compared; "": none
	control    bool   // one contender is measured twice
}

// Every one of a length: hot pages longest, as most of what is looked for depends on them.
var (
	long   = func(o options) int { return o.seconds }
	short  = func(o options) int { return (o.seconds + 1) / 2 }
	longer = func(o options) int { return o.seconds + 1 }
)

var (
	everyone  = []string{"static", "deflate", "plain", "raw", "django", "varnish-static", "nginx", "exact", "edge", "varnish", "embedded"}
	withPages = []string{"static", "django", "varnish-static", "nginx", "exact", "edge", "varnish", "embedded"}
	validated = []string{"static", "varnish-static", "nginx", "exact", "edge", "varnish", "embedded"}
	routed    = []string{"static", "exact", "edge", "varnish", "embedded"}
	withTable = []string{"exact", "edge", "varnish"}
	withWiki  = []string{"exact", "embedded"}
)

// scenarios are all of them, in the order of a round.
var scenarios = []scenario{
	{
		name: "hot", title: "One hot page", list: hotList, status: http.StatusOK, seconds: long,
		contenders: everyone, base: "static", control: true,
	},
	{
		name: "hot-gzip", title: "One hot page, Accept-Encoding: gzip, br", list: hotList, accept: "gzip, br", status: http.StatusOK, seconds: long,
		contenders: everyone, base: "deflate", control: true,
	},
	{
		name: "wiki", title: "One hot page of the wiki, a directory", list: wikiList, status: http.StatusOK, seconds: long,
		contenders: withWiki, own: "hot",
	},
	{
		name: "zipf", title: "Zipf 1.0 over all pages", list: zipfList, status: http.StatusOK, seconds: short,
		contenders: withPages, base: "static", own: "hot",
	},
	{
		name: "redirects", title: "Redirects (301), 1,000 of them", list: redirectList, status: http.StatusMovedPermanently, seconds: short,
		contenders: routed, base: "static", own: "hot",
	},
	{
		name: "missing", title: "404s with random paths", list: missingList, status: http.StatusNotFound, seconds: short,
		contenders: routed, base: "static", own: "hot",
	},
	{
		name: "known", title: "Conditional requests (If-None-Match, 304)", list: hotList, status: http.StatusNotModified, known: true, seconds: short,
		contenders: validated, base: "static", own: "hot",
	},
	{
		name: "steady", title: "The page of a row that does not change", list: changeList, status: http.StatusOK, seconds: longer,
		contenders: withTable,
	},
	{
		name: "change", title: "The page of a row that changes every second", list: changeList, status: http.StatusOK, changes: true, seconds: longer,
		contenders: withTable, own: "steady",
	},
	{
		name: "cold", title: "Empty caches: pages that nobody asked for before", list: walkList, status: http.StatusOK, forgets: true, seconds: short,
		contenders: []string{"static", "cold"}, base: "static",
	},
}

// control is the name under which a contender stands that is measured a second time.
const control = "control"
