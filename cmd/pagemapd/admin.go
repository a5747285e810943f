// The admin listener: /healthz, /readyz and /metrics.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pagemap/fcgi/pool"
)

// health is the answer of /readyz.
type health struct {
	Worker   int          `json:"worker,omitempty"` // number in a pool
	Ready    bool         `json:"ready"`
	Reasons  []string     `json:"reasons,omitempty"`  // why it is not ready
	Warnings []string     `json:"warnings,omitempty"` // what is wrong although it is
	Table    *tableHealth `json:"table,omitempty"`
	Workers  []health     `json:"workers,omitempty"` // of a pool
}

// tableHealth is how the page table stands.
type tableHealth struct {
	Rows         int       `json:"rows"`
	Number       int64     `json:"number"`        // of the last change applied; 0 without a database
	Synced       time.Time `json:"synced"`        // when it was last known to be up to date
	FromSnapshot bool      `json:"from_snapshot"` // and the database not heard of yet
}

// adminHandler answers the admin pages. A process that answers at all is
// healthy; whether it is ready, health tells.
func adminHandler(metrics prometheus.Gatherer, ready func(context.Context) health) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		h := ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if !h.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(h) // who asked may have gone
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return mux
}

// poolHealth is the health of a pool: ready as long as one worker is.
func poolHealth(ctx context.Context, p *pool.Pool) health {
	var all health
	for _, a := range p.Ask(ctx, "/readyz") {
		var h health
		if a.Err == nil {
			a.Err = json.Unmarshal(a.Body, &h)
		}
		if a.Err != nil {
			h = health{Reasons: []string{a.Err.Error()}}
		}
		h.Worker = a.Worker
		all.Ready = all.Ready || h.Ready
		all.Workers = append(all.Workers, h)
	}
	if !all.Ready {
		all.Reasons = []string{"no worker is ready"}
	}
	return all
}

// serveAdmin serves h on l until ctx ends.
func serveAdmin(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) {
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		log.Error("admin listener", "error", err)
	}
}
