// SIGHUP: reading the settings again.

package main

import (
	"context"
	"slices"

	"pagemap/cmd/internal/config"
)

// Settings that take effect at the next start only.
var (
	// fixedInPool are those of a pool's parent; its workers are replaced.
	fixedInPool = []string{
		"http", "listen", "socket-mode", "socket-owner", "allow-public", "workers", "admin", "log-format",
	}
	// fixedInProcess are those of a process without a parent, which goes on with
	// its table, cache and listeners.
	fixedInProcess = append([]string{
		"tree", "mapping", "site", "site-alias", "database", "schema", "snapshot", "poll", "traffic-days",
		"max-requests", "max-connections", "request-timeout", "connection-ttl",
		"wiki", "wiki-select", "wiki-credentials-file", "wiki-poll", "wiki-timeout", "wiki-links", "looks",
		"memory", "memcached", "memcached-key-file", "edge", "edge-secret-file", "edge-max-age",
		"admin-page", "admin-page-secret-file", "admin-page-editors", "admin-page-readers",
	}, fixedInPool...)
)

// rereading reads the settings again at each SIGHUP until ctx ends, and has them
// applied. Settings that are bad, or cannot be applied, change nothing.
func (d *process) rereading(ctx context.Context, fixed []string, apply func(*config.Settings) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.hangups:
		}
		next, err := config.Parse(d.args, d.getenv)
		if err == nil {
			err = apply(next)
		}
		if err != nil {
			d.log.Error("settings not taken over; the old ones stay in force", "error", err)
			continue
		}
		setLevel(next, d.level)
		d.log.Info("settings read again", "file", next.File())
		for _, name := range changed(d.settings, next) {
			if slices.Contains(fixed, name) {
				d.log.Warn("changed setting takes effect at the next start", "setting", name)
			}
		}
	}
}

// changed are the names of the settings that differ.
func changed(a, b *config.Settings) []string {
	var names []string
	after := b.Effective()
	for i, v := range a.Effective() {
		if v.Value != after[i].Value {
			names = append(names, v.Name)
		}
	}
	return names
}
