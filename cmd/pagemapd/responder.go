// The responder: one process's page table, cache, and the handler made of them.

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/fcgi"
	"pagemap/fcgi/edge"
	"pagemap/fcgi/pool"
	"pagemap/fcgi/site"
	"pagemap/mapping"
	"pagemap/mapping/traffic"
	"pagemap/render/cache"
)

// table is where a responder's rows come from.
type table interface {
	// Table is the table in force.
	Table() *mapping.Table
	// Found takes note of a file without a row. It does not block.
	Found(mapping.Row)
	// Traffic counts what is read; nil: nothing is counted.
	Traffic() *traffic.Counter
	// run keeps the table up to date until ctx ends.
	run(ctx context.Context)
	// report tells how the table stands.
	report(*health)
}

// responder answers requests with the handler that was last put in force.
type responder struct {
	log      *slog.Logger
	table    table
	pages    *cache.Cache
	wiki     *serving.Wiki    // nil: none
	begun    *config.Settings // with which it was made
	whole    bool             // serves /data, too: nothing is in front of it
	registry *prometheus.Registry
	flagged  func(mapping.Flag)
	traffic  site.Traffic // nil: nothing is counted
	counted  http.Handler
	prompt   func(*fcgi.Query, *fcgi.Answer) bool // what counted can answer at once
	watch    *edge.Watch                          // over the caches in front; nil: there are none
	edge     *site.Edge                           // what the handlers need for it, or nil
	handler  atomic.Pointer[serving.Handler]
	draining atomic.Bool
	requests *requestMetrics
	admin    *adminPage // nil: there is none
}

// newResponder makes a responder over t. One that is whole serves /data itself.
func newResponder(s *config.Settings, t table, whole bool, log *slog.Logger) (*responder, error) {
	pages, err := serving.Cache(s, int64(s.Memory), log)
	if err != nil {
		return nil, err
	}
	r := &responder{log: log, table: t, pages: pages, begun: s, whole: whole, registry: newRegistry()}
	r.requests = newRequestMetrics(r.registry)
	r.prompt = r.requests.countPrompt(func(q *fcgi.Query, a *fcgi.Answer) bool {
		return !r.admin.owns(q.Target) && r.handler.Load().Prompt(q, a)
	})
	r.counted = r.requests.count(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.admin.owns(req.RequestURI) {
			r.admin.page.ServeHTTP(w, req)
			return
		}
		r.handler.Load().ServeHTTP(w, req)
	}))
	r.flagged = countFlags(r.registry)
	registerCache(r.registry, pages)
	registerTable(r.registry, t)
	if c := t.Traffic(); c != nil {
		r.traffic = c
		registerTraffic(r.registry, c)
	}
	if s.Wiki != "" {
		r.wiki, err = serving.NewWiki(s, t.Table, pages, log)
	}
	if err == nil {
		r.watch, r.edge, err = newEdge(s, r, log)
	}
	if err == nil {
		err = r.apply(s)
	}
	if err != nil {
		r.closeWiki()
		_ = pages.Close()
		return nil, err
	}
	return r, nil
}

// ServeHTTP answers a request.
func (r *responder) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.counted.ServeHTTP(w, req) }

// apply puts a handler made of the settings in force, or leaves the old one
// there. Tree and hosts stay, as the table depends on them, and the wiki, whose pages are remembered.
func (r *responder) apply(s *config.Settings) error {
	next := *s
	next.Tree, next.Site, next.SiteAlias = r.begun.Tree, r.begun.Site, r.begun.SiteAlias
	h, err := serving.New(serving.Options{
		Settings: &next, Table: r.table.Table, Found: r.table.Found, Flagged: r.flagged, Traffic: r.traffic,
		Edge: r.edge, Wiki: r.wiki, Pages: r.pages, Data: r.whole, Logger: r.log,
	})
	if err != nil {
		return err
	}
	if old := r.handler.Swap(h); old != nil {
		_ = old.Close()
	}
	return r.admin.apply(&next)
}

// health tells whether this process should be sent requests.
func (r *responder) health(context.Context) health {
	var h health
	r.table.report(&h)
	if r.draining.Load() {
		h.Reasons = append(h.Reasons, "draining")
	}
	if n := r.pages.Stats().DeadServers; n > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("%d memcached servers do not answer", n))
	}
	h.Ready = len(h.Reasons) == 0
	return h
}

// recall has the caches in front forget what this process handed out, if another
// with perhaps other settings has taken its place.
func (r *responder) recall(ctx context.Context, m *pool.Member) {
	if r.watch == nil || m == nil {
		return
	}
	select {
	case <-m.Retired:
	default:
		return
	}
	if err := r.watch.Recall(ctx); err != nil {
		r.log.Warn("caches in front may serve this process's answers a while longer", "error", err)
	}
}

// close gives back what the responder holds.
func (r *responder) close() {
	r.admin.close()
	_ = r.pages.Close()
	_ = r.handler.Load().Close()
	r.closeWiki()
}

func (r *responder) closeWiki() {
	if r.wiki != nil {
		_ = r.wiki.Close()
	}
}
