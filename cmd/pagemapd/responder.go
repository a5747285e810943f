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
	"pagemap/mapping"
	"pagemap/render/cache"
)

// table is where a responder's rows come from.
type table interface {
	// Table is the table in force.
	Table() *mapping.Table
	// Found takes note of a file without a row. It does not block.
	Found(mapping.Row)
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
	begun    *config.Settings // with which it was made
	whole    bool             // serves /data, too: nothing is in front of it
	registry *prometheus.Registry
	flagged  func(mapping.Flag)
	counted  http.Handler
	handler  atomic.Pointer[serving.Handler]
	draining atomic.Bool
}

// newResponder makes a responder over t. One that is whole serves /data itself.
func newResponder(s *config.Settings, t table, whole bool, log *slog.Logger) (*responder, error) {
	key, err := config.ReadSecret(s.MemcachedKey)
	if err != nil {
		return nil, err
	}
	memory := int64(s.Memory)
	if memory == 0 {
		memory = -1 // to the cache 0 is its default
	}
	pages, err := cache.New(cache.Options{
		MemoryBytes: memory, Servers: s.Memcached, HMACKey: key,
		Prefix:      cache.DefaultPrefix + s.Schema + ":", // sites may share memcached
		FillTimeout: s.RequestTimeout, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	r := &responder{log: log, table: t, pages: pages, begun: s, whole: whole, registry: newRegistry()}
	r.counted = newRequestMetrics(r.registry).count(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.handler.Load().ServeHTTP(w, req)
	}))
	r.flagged = countFlags(r.registry)
	registerCache(r.registry, pages)
	registerTable(r.registry, t)
	if err := r.apply(s); err != nil {
		_ = pages.Close()
		return nil, err
	}
	return r, nil
}

// ServeHTTP answers a request.
func (r *responder) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.counted.ServeHTTP(w, req) }

// apply puts a handler made of the settings in force, or leaves the old one
// there. Tree and hosts stay: the table depends on them.
func (r *responder) apply(s *config.Settings) error {
	next := *s
	next.Tree, next.Site, next.SiteAlias = r.begun.Tree, r.begun.Site, r.begun.SiteAlias
	h, err := serving.New(serving.Options{
		Settings: &next, Table: r.table.Table, Found: r.table.Found, Flagged: r.flagged,
		Pages: r.pages, Data: r.whole, Logger: r.log,
	})
	if err != nil {
		return err
	}
	if old := r.handler.Swap(h); old != nil {
		_ = old.Close()
	}
	return nil
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

// close gives back what the responder holds.
func (r *responder) close() {
	_ = r.pages.Close()
	_ = r.handler.Load().Close()
}
