// The admin page of a responder, and what responders tell of themselves for it.

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/user"
	"sync/atomic"
	"time"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/admin"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
)

// adminPage is the admin page; nil is none.
type adminPage struct {
	page    *admin.Admin
	r       *responder
	table   *databaseTable
	files   *tree.Tree // nil: none
	explain explained
}

// explained is the handler that tells what URLs answer: as readers get them, but
// nothing is counted and nothing kept. It implements explain.Handler.
type explained struct {
	atomic.Pointer[serving.Handler]
}

// ServeHTTP implements http.Handler.
func (e *explained) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.Load().ServeHTTP(w, r) }

// Explain implements explain.Handler.
func (e *explained) Explain(t mapping.Target) (mapping.Answer, []mapping.Step) {
	return e.Load().Explain(t)
}

// openAdminPage gives r the admin page that the settings ask for.
func (d *process) openAdminPage(r *responder, how role) error {
	s := d.settings
	if s.AdminPage == "" {
		return nil
	}
	table, ok := r.table.(*databaseTable)
	if !ok {
		return fmt.Errorf("%w: admin-page: it edits the page table of a database", errUsage)
	}
	p := &adminPage{r: r, table: table}
	if s.Tree != "" {
		var err error
		if p.files, err = tree.Open(s.Tree, tree.Options{IndexNames: s.Index}); err != nil {
			return err
		}
	}
	if err := p.open(d, how); err != nil {
		p.close()
		return err
	}
	r.admin = p
	return nil
}

func (p *adminPage) open(d *process, how role) error {
	s := d.settings
	if err := p.apply(s); err != nil {
		return err
	}
	gate, err := d.gate(how)
	if err != nil {
		return err
	}
	types, _, err := serving.MediaTypes(s.MimeTypes)
	if err != nil {
		return err
	}
	compare, err := p.comparer(s)
	if err != nil {
		return err
	}
	p.page, err = admin.New(admin.Options{
		Path: s.AdminPage, Gate: gate, DB: p.table.db, Logger: d.log, Site: s.Site, IndexNames: s.Index, Await: p.await, Compare: compare,
		Explain: &explain.Explainer{
			Handler: &p.explain, Table: p.table.Table, DB: p.table.db, Files: p.files, Types: types,
			Images: int64(s.ImageLimit), Cache: p.r.pages, Hosts: s.Hosts(), Resolver: func(context.Context) (mapping.Resolver, error) { return p.resolver(s), nil },
		},
		Check: check.Options{Tree: p.files, IndexNames: s.Index, MultiViews: s.MultiViews, Hosts: s.Hosts()},
	})
	return err
}

// gate says who is let in.
func (d *process) gate(how role) (admin.Gate, error) {
	s := d.settings
	if !how.http {
		secret, err := config.ReadSecret(s.AdminPageSecret)
		if err != nil {
			return nil, err
		}
		return &admin.Front{Env: fcgi.ProcessEnv, Secret: string(secret), Editors: s.AdminPageEditors, Readers: s.AdminPageReaders}, nil
	}
	address := how.listener.Addr().String()
	if !loopback(address) {
		return nil, fmt.Errorf("%w: admin-page: over plain HTTP it is for loopback alone; %s is not", errUsage, address)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name := "admin"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	gate, key := admin.NewLocal(name, []string{address, net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, time.Now)
	d.adminLink = fmt.Sprintf("http://%s%senter?key=%s\n", address, s.AdminPage, key)
	return gate, nil
}

// resolver is the site's, for suggestions.
func (p *adminPage) resolver(s *config.Settings) mapping.Resolver {
	r := mapping.Resolver{Rows: p.table.Table(), IndexNames: s.Index, MultiViews: s.MultiViews, Hosts: s.Hosts()}
	if p.files != nil {
		r.Files = p.files
	}
	return r
}

// apply has URLs explained by the settings.
func (p *adminPage) apply(s *config.Settings) error {
	if p == nil {
		return nil
	}
	h, err := serving.New(serving.Options{Settings: s, Table: p.table.Table, Wiki: p.r.wiki, Pages: explain.Undrawn{}, Data: p.r.whole, Logger: p.r.log})
	if err != nil {
		return err
	}
	if old := p.explain.Swap(h); old != nil {
		_ = old.Close()
	}
	return nil
}

// owns reports whether a request belongs to the admin page.
func (p *adminPage) owns(target string) bool { return p != nil && p.page.Owns(target) }

// maxBody is how large a request's body may be; 0: as usual.
func (p *adminPage) maxBody() int64 {
	if p == nil {
		return 0
	}
	return admin.MaxForm
}

// await waits a moment for the table to have a change.
func (p *adminPage) await(ctx context.Context, number int64) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for p.table.Health().Number < number {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// end ends what the admin page has begun, while the database is still there.
func (p *adminPage) end() {
	if p != nil && p.page != nil {
		p.page.Close()
	}
}

func (p *adminPage) close() {
	if p == nil {
		return
	}
	p.end()
	if h := p.explain.Load(); h != nil {
		_ = h.Close()
	}
	if p.files != nil {
		_ = p.files.Close()
	}
}

// reportEvery is how often a responder tells of itself.
const reportEvery = 10 * time.Second

// reporting tells the database how this responder stands, until ctx ends.
func (r *responder) reporting(ctx context.Context, worker int) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	report := postgres.Report{Name: host}
	if worker > 0 {
		report.Name = fmt.Sprintf("%s/%d", host, worker)
	}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	before, kept, at := r.requests.answered(), r.pages.Stats(), time.Now()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answered, stats, now := r.requests.answered(), r.pages.Stats(), time.Now()
		report.Requests = float64(answered-before) / now.Sub(at).Seconds()
		report.Cached = -1
		hits := stats.MemoryHits + stats.MemcachedHits - kept.MemoryHits - kept.MemcachedHits
		misses, shared := stats.Misses-kept.Misses, stats.Collapsed-kept.Collapsed
		if asked := hits + misses; asked > 0 {
			report.Cached = float64(hits+shared) / float64(asked)
		}
		before, kept, at = answered, stats, now
		state := r.admin.table.Health()
		report.Number, report.Rows = state.Number, state.Rows
		given, cancel := context.WithTimeout(ctx, reportEvery/2)
		err := r.admin.table.db.Report(given, report)
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			r.log.Warn("not reported how this process stands", "error", err)
		}
		failing = err != nil
	}
}
