// The edge: the caches in front, and what they are told.

package main

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"pagemap/cmd/internal/config"
	"pagemap/fcgi/edge"
	"pagemap/fcgi/site"
	"pagemap/mapping"
)

// newEdge returns the watch over what r hands out to the caches of the settings,
// and what its handlers need for that; nil where there is no cache.
func newEdge(s *config.Settings, r *responder, log *slog.Logger) (*edge.Watch, *site.Edge, error) {
	if len(s.Edge) == 0 {
		return nil, nil, nil
	}
	secret, err := s.EdgeSecret()
	if err != nil {
		return nil, nil, err
	}
	public, err := url.Parse(s.Site)
	if err != nil {
		return nil, nil, err
	}
	w, err := edge.New(edge.Options{
		Caches: s.Edge, Host: public.Host, Secret: secret, MaxAge: site.MaxEdgeAge, Logger: log, // an Apache may have another setting
		Identity: func(ctx context.Context, p mapping.Path) (string, bool) { return r.handler.Load().Identity(ctx, p) },
		State:    func() any { return [2]any{r.table.Table(), r.handler.Load()} },
	})
	if err != nil {
		return nil, nil, err
	}
	registerEdge(r.registry, w)
	return w, &site.Edge{MaxAge: s.EdgeMaxAge, Secret: secret, Handed: w.Handed}, nil
}

// registerEdge registers the watch's counters.
func registerEdge(registry prometheus.Registerer, w *edge.Watch) {
	gauge := func(name, help string, read func(edge.Stats) int) {
		reading(registry, prometheus.GaugeValue, name, help, nil, func() float64 { return float64(read(w.Stats())) })
	}
	counter := func(name, help string, read func(edge.Stats) uint64) {
		reading(registry, prometheus.CounterValue, name, help, nil, func() float64 { return float64(read(w.Stats())) })
	}
	gauge("pagemap_edge_pages", "Pages that a cache in front may serve, and that are watched.", func(s edge.Stats) int { return s.Pages })
	gauge("pagemap_edge_pending", "Changes that a cache in front has not been told of in full.", func(s edge.Stats) int { return s.Pending })
	counter("pagemap_edge_invalidations_total", "Invalidations that a cache in front took.", func(s edge.Stats) uint64 { return s.Sent })
	counter("pagemap_edge_failures_total", "Changes that a cache in front could not be told of in time.", func(s edge.Stats) uint64 { return s.Failed })
	counter("pagemap_edge_refused_total", "Answers not to be stored, as too many pages are watched.", func(s edge.Stats) uint64 { return s.Refused })
}
