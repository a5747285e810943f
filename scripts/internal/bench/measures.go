// Which ratios are required.

package main

// which is a cell by its names.
type which struct{ scenario, contender string }

// measure is a ratio of two cells that must reach, or not exceed, a bound.
type measure struct {
	what   string
	value  func(sample) float64
	a, b   which
	bound  float64
	atMost bool // else at least
}

// measures are what a run is held against.
var measures = []measure{
	{what: "exact mode, hot page, against plain net/http/fcgi with a constant page", value: rate, a: which{"hot", "exact"}, b: which{"hot", "plain"}, bound: 1.25},
	{what: "exact mode against the raw FastCGI writer (the wall)", value: rate, a: which{"hot", "exact"}, b: which{"hot", "raw"}, bound: 0.88},
	{what: "exact mode against Django + mod_wsgi + memcached", value: rate, a: which{"hot", "exact"}, b: which{"hot", "django"}, bound: 5},
	{what: "exact mode with gzip against Apache static + mod_deflate", value: rate, a: which{"hot-gzip", "exact"}, b: which{"hot-gzip", "deflate"}, bound: 2},
	{what: "edge mode against Apache static, plain", value: rate, a: which{"hot", "edge"}, b: which{"hot", "static"}, bound: 1.25},
	{what: "edge mode with gzip against Apache static + mod_deflate", value: rate, a: which{"hot-gzip", "edge"}, b: which{"hot-gzip", "deflate"}, bound: 5},
	{what: "behind Varnish, against Varnish in front of Apache static", value: rate, a: which{"hot", "varnish"}, b: which{"hot", "varnish-static"}, bound: 0.95},
	{what: "Zipf over all pages, exact, against its own hot page", value: rate, a: which{"zipf", "exact"}, b: which{"hot", "exact"}, bound: 0.5},
	{what: "hot wiki page, exact, against the hot file page", value: rate, a: which{"wiki", "exact"}, b: which{"hot", "exact"}, bound: 0.95},
	{what: "redirects, exact, against the hot page", value: rate, a: which{"redirects", "exact"}, b: which{"hot", "exact"}, bound: 0.95},
	{what: "404s with random paths, exact, against the hot page", value: rate, a: which{"missing", "exact"}, b: which{"hot", "exact"}, bound: 0.8},
	{what: "responder's CPU per hot request, exact, against plain net/http/fcgi", value: responderCPU, a: which{"hot", "exact"}, b: which{"hot", "plain"}, bound: 0.65, atMost: true},
	{what: "throughput while one row changes every second, exact", value: rate, a: which{"change", "exact"}, b: which{"steady", "exact"}, bound: 0.95},
}

// got is the ratio that a run gave; false if one of the two was not measured.
func (m measure) got(r *results) (ratio, bool) {
	return paired(r.series(m.a.scenario, m.a.contender, m.value), r.series(m.b.scenario, m.b.contender, m.value))
}

// holds tells whether a ratio is as required.
func (m measure) holds(q ratio) bool {
	if m.atMost {
		return q.Median <= m.bound
	}
	return q.Median >= m.bound
}
