// What is counted: requests, and what the other packages count themselves.

package main

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"pagemap/fcgi"
	"pagemap/mapping"
	"pagemap/mapping/traffic"
	"pagemap/render/cache"
)

// requestMetrics counts requests and their times.
type requestMetrics struct {
	requests *prometheus.CounterVec
	usual    map[int]prometheus.Counter // of requests, those that most answers count in
	seconds  prometheus.Histogram
}

func newRequestMetrics(registry prometheus.Registerer) *requestMetrics {
	m := &requestMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pagemap_requests_total", Help: "Requests answered, by status.",
		}, []string{"status"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pagemap_request_seconds", Help: "Time from a request's arrival until its answer is made; of pages that are drawn or streamed, until it is written.",
			Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10},
		}),
	}
	registry.MustRegister(m.requests, m.seconds)
	m.usual = make(map[int]prometheus.Counter)
	for _, status := range []int{200, 301, 302, 304, 404} {
		m.usual[status] = m.requests.WithLabelValues(strconv.Itoa(status))
	}
	return m
}

// observe counts a request that was answered now.
func (m *requestMetrics) observe(status int, begun time.Time) {
	requests := m.usual[status]
	if requests == nil {
		requests = m.requests.WithLabelValues(strconv.Itoa(status))
	}
	requests.Inc()
	m.seconds.Observe(time.Since(begun).Seconds())
}

// answered is how many requests were counted.
func (m *requestMetrics) answered() uint64 {
	var d dto.Metric
	if err := m.seconds.Write(&d); err != nil {
		return 0
	}
	return d.GetHistogram().GetSampleCount()
}

// count is h, counted.
func (m *requestMetrics) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		sw := &statusWriter{ResponseWriter: w}
		silent := http.StatusInternalServerError // what the server answers when h panics before it wrote
		defer func() {
			if sw.status == 0 {
				sw.status = silent
			}
			m.observe(sw.status, begun)
		}()
		h.ServeHTTP(sw, r)
		silent = http.StatusOK
	})
}

// countPrompt is prompt, with its answers counted.
func (m *requestMetrics) countPrompt(prompt func(*fcgi.Query, *fcgi.Answer) bool) func(*fcgi.Query, *fcgi.Answer) bool {
	return func(q *fcgi.Query, a *fcgi.Answer) (answered bool) {
		begun := time.Now()
		answered, status := true, http.StatusInternalServerError // if prompt panics
		defer func() {
			if answered {
				m.observe(status, begun)
			}
		}()
		if answered = prompt(q, a); answered {
			status = a.Status
		}
		return answered
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: nothing was written
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// countFlags counts answers that a maintainer should look at.
func countFlags(registry prometheus.Registerer) func(mapping.Flag) {
	flagged := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pagemap_flagged_answers_total", Help: "Answers that a maintainer should look at, by flag.",
	}, []string{"flag"})
	registry.MustRegister(flagged)
	for _, f := range []mapping.Flag{mapping.FlagAmbiguous, mapping.FlagLoop, mapping.FlagTooDeep, mapping.FlagBadRow} {
		flagged.WithLabelValues(f.String()) // there from the start, at 0
	}
	return func(f mapping.Flag) { flagged.WithLabelValues(f.String()).Inc() }
}

// newRegistry returns a registry with what every process tells of itself.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// reading registers one figure that is read when it is asked for.
func reading(registry prometheus.Registerer, kind prometheus.ValueType, name, help string, labels prometheus.Labels, value func() float64) {
	if kind == prometheus.CounterValue {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
		return
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

// registerCache registers the cache's counters.
func registerCache(registry prometheus.Registerer, c *cache.Cache) {
	counter := func(name, help, label, value string, read func(cache.Stats) uint64) {
		reading(registry, prometheus.CounterValue, name, help, prometheus.Labels{label: value},
			func() float64 { return float64(read(c.Stats())) })
	}
	const results, resultsHelp = "pagemap_cache_results_total", "Pages asked of the cache, by where they came from."
	counter(results, resultsHelp, "result", "memory", func(s cache.Stats) uint64 { return s.MemoryHits })
	counter(results, resultsHelp, "result", "memcached", func(s cache.Stats) uint64 { return s.MemcachedHits })
	counter(results, resultsHelp, "result", "drawn", func(s cache.Stats) uint64 { return s.Misses - s.Collapsed })
	counter(results, resultsHelp, "result", "collapsed", func(s cache.Stats) uint64 { return s.Collapsed })
	const drawn, drawnHelp = "pagemap_pages_drawn_total", "Pages drawn, by result."
	counter(drawn, drawnHelp, "result", "ok", func(s cache.Stats) uint64 { return s.Fills - s.FillErrors })
	counter(drawn, drawnHelp, "result", "error", func(s cache.Stats) uint64 { return s.FillErrors })
	const failed, failedHelp = "pagemap_memcached_errors_total", "Operations on memcached that failed or were not tried, by kind."
	counter(failed, failedHelp, "kind", "timeout", func(s cache.Stats) uint64 { return s.Errors.Timeout })
	counter(failed, failedHelp, "kind", "connection", func(s cache.Stats) uint64 { return s.Errors.Connection })
	counter(failed, failedHelp, "kind", "protocol", func(s cache.Stats) uint64 { return s.Errors.Protocol })
	counter(failed, failedHelp, "kind", "refused", func(s cache.Stats) uint64 { return s.Errors.Refused })
	counter(failed, failedHelp, "kind", "rejected", func(s cache.Stats) uint64 { return s.Rejected })
	counter(failed, failedHelp, "kind", "skipped", func(s cache.Stats) uint64 { return s.Skipped })
	reading(registry, prometheus.GaugeValue, "pagemap_memcached_dead_servers", "Servers that are left alone for a while.", nil,
		func() float64 { return float64(c.Stats().DeadServers) })
	reading(registry, prometheus.GaugeValue, "pagemap_memory_cache_pages", "Pages kept in memory.", nil,
		func() float64 { return float64(c.Stats().MemoryEntries) })
	reading(registry, prometheus.GaugeValue, "pagemap_memory_cache_bytes", "Bytes of the pages kept in memory.", nil,
		func() float64 { return float64(c.Stats().MemoryBytes) })
}

// registerTable registers how the page table stands.
func registerTable(registry prometheus.Registerer, t table) {
	gauge := func(name, help string, read func(*health) float64) {
		reading(registry, prometheus.GaugeValue, name, help, nil, func() float64 {
			var h health
			t.report(&h)
			return read(&h)
		})
	}
	gauge("pagemap_table_rows", "Rows of the table in memory.",
		func(h *health) float64 { return float64(h.Table.Rows) })
	gauge("pagemap_table_number", "Number of the last change applied.",
		func(h *health) float64 { return float64(h.Table.Number) })
	gauge("pagemap_table_age_seconds", "Time since the table was last known to be up to date.",
		func(h *health) float64 {
			if h.Table.Synced.IsZero() {
				return math.Inf(1)
			}
			return time.Since(h.Table.Synced).Seconds()
		})
	gauge("pagemap_table_from_snapshot", "1: started from the snapshot, and the database not heard of yet.",
		func(h *health) float64 {
			if h.Table.FromSnapshot {
				return 1
			}
			return 0
		})
	gauge("pagemap_table_following", "1: nothing keeps the table from being up to date.",
		func(h *health) float64 {
			if len(h.Reasons)+len(h.Warnings) > 0 {
				return 0
			}
			return 1
		})
}

// registerTraffic registers the figures of the counter of hits and misses.
func registerTraffic(registry prometheus.Registerer, c *traffic.Counter) {
	counter := func(name, help string, labels prometheus.Labels, read func(traffic.Stats) uint64) {
		reading(registry, prometheus.CounterValue, name, help, labels, func() float64 { return float64(read(c.Stats())) })
	}
	const batches, batchesHelp = "pagemap_traffic_batches_total", "Batches of hits and misses given to the database, by result; what failed comes again."
	counter(batches, batchesHelp, prometheus.Labels{"result": "ok"}, func(s traffic.Stats) uint64 { return s.Batches })
	counter(batches, batchesHelp, prometheus.Labels{"result": "failed"}, func(s traffic.Stats) uint64 { return s.Failed })
	counter("pagemap_traffic_rows_total", "Rows and days whose hits the database was given.", nil, func(s traffic.Stats) uint64 { return s.Rows })
	counter("pagemap_traffic_missed_paths_total", "Missed paths that the database was given.", nil, func(s traffic.Stats) uint64 { return s.Paths })
	counter("pagemap_traffic_overflow_total", "Misses counted without their path.", nil, func(s traffic.Stats) uint64 { return s.Overflow })
	counter("pagemap_traffic_dropped_hits_total", "Hits not counted, for want of room while the database was away.", nil, func(s traffic.Stats) uint64 { return s.Dropped })
}

// registerFastCGI registers a FastCGI server's counters.
func registerFastCGI(registry prometheus.Registerer, s *fcgi.Server) {
	counter := func(name, help string, read func(fcgi.Stats) uint64) {
		reading(registry, prometheus.CounterValue, name, help, nil, func() float64 { return float64(read(s.Stats())) })
	}
	reading(registry, prometheus.GaugeValue, "pagemap_fcgi_connections", "Open connections.", nil,
		func() float64 { return float64(s.Stats().Connections) })
	reading(registry, prometheus.GaugeValue, "pagemap_fcgi_running", "Requests being answered.", nil,
		func() float64 { return float64(s.Stats().InFlight) })
	counter("pagemap_fcgi_accepted_total", "Connections accepted.", func(s fcgi.Stats) uint64 { return s.Accepted })
	counter("pagemap_fcgi_requests_total", "Requests whose parameters came.", func(s fcgi.Stats) uint64 { return s.Requests })
	counter("pagemap_fcgi_refused_total", "Requests answered 503 because too many were running.", func(s fcgi.Stats) uint64 { return s.Refused })
	counter("pagemap_fcgi_bad_requests_total", "Requests refused as malformed or too large.", func(s fcgi.Stats) uint64 { return s.BadRequests })
	counter("pagemap_fcgi_timeouts_total", "Requests that took too long.", func(s fcgi.Stats) uint64 { return s.Timeouts })
	counter("pagemap_fcgi_panics_total", "Requests whose handler panicked.", func(s fcgi.Stats) uint64 { return s.Panics })
	counter("pagemap_fcgi_aborted_total", "Requests aborted by the web server.", func(s fcgi.Stats) uint64 { return s.Aborted })
	counter("pagemap_fcgi_accept_errors_total", "Temporary failures to accept a connection.", func(s fcgi.Stats) uint64 { return s.AcceptErrors })
	for kind := range s.Stats().ProtocolErrors {
		reading(registry, prometheus.CounterValue, "pagemap_fcgi_protocol_errors_total", "Connections closed for what the web server sent, by kind.",
			prometheus.Labels{"kind": kind}, func() float64 { return float64(s.Stats().ProtocolErrors[kind]) })
	}
}
