// Serving: the listeners, and a process's life from its first answer to its last.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"pagemap/cmd/internal/config"
	"pagemap/fcgi"
	"pagemap/fcgi/pool"
)

// Addresses where none is set.
const (
	defaultListen = "unix:/run/pagemap/pagemap.sock"
	defaultHTTP   = "127.0.0.1:8080"
)

// workers is the number of processes that the settings ask for.
func workers(s *config.Settings) int {
	if s.Workers == 0 {
		return runtime.NumCPU()
	}
	return s.Workers
}

// serveFastCGI is the one responder behind a FastCGI listener.
func (d *process) serveFastCGI(ctx context.Context) error {
	l, err := listen(d.settings)
	if err != nil {
		return err
	}
	defer l.Close()
	admin, err := listenAdmin(d.settings.Admin)
	if err != nil {
		return err
	}
	return d.respond(ctx, role{listener: l, admin: admin, follow: true, ready: func() error {
		d.log.Info("ready", "listen", l.Addr().String())
		return nil
	}})
}

// serveSpawned is the responder that mod_fcgid or its like started with the
// listening socket as descriptor 0: it must answer soon, is one of several, and
// lives for a while only.
func (d *process) serveSpawned(ctx context.Context) error {
	l, err := inherited()
	if err != nil {
		return err
	}
	defer l.Close()
	return d.respond(ctx, role{listener: l, ready: func() error { return nil }})
}

// serveWorker is a worker of a pool.
func (d *process) serveWorker(ctx context.Context) error {
	member, err := pool.Join()
	if err != nil {
		return err
	}
	d.log = d.log.With("worker", d.worker)
	l, err := inherited()
	if err != nil {
		return err
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-member.Retired:
		case <-member.Orphaned:
			d.log.Error("the pool's parent is gone")
		case <-ctx.Done():
		}
		cancel()
	}()
	return d.respond(ctx, role{listener: l, member: member, admin: member.Admin, follow: true, ready: member.Ready})
}

// inherited is the listening socket at descriptor 0. Whoever opened it answers
// for its address.
func inherited() (net.Listener, error) {
	return fcgi.Listen("fd:0", fcgi.ListenOptions{AllowPublic: true})
}

// serveHTTP is the whole site over plain HTTP.
func (d *process) serveHTTP(ctx context.Context) error {
	s := d.settings
	if s.Listen != "" {
		return fmt.Errorf("%w: http and listen are two ways to serve: give one of them", errUsage)
	}
	l, err := listenHTTP(s)
	if err != nil {
		return err
	}
	defer l.Close()
	admin, err := listenAdmin(s.Admin)
	if err != nil {
		return err
	}
	if s.Embedded() && s.Tree == "" && s.Mapping == "" {
		remove, err := useExample(s)
		if err != nil {
			return err
		}
		defer remove()
	}
	return d.respond(ctx, role{listener: l, admin: admin, follow: true, http: true, ready: func() error {
		_, err := fmt.Fprintf(d.stdout, "http://%s/\n%s", l.Addr(), d.adminLink)
		return err
	}})
}

// role is what tells one kind of responder from another.
type role struct {
	listener net.Listener
	admin    net.Listener // nil: none
	member   *pool.Member // nil: not a worker of a pool
	follow   bool         // lives long: is told of changes by the database
	http     bool         // plain HTTP, with nothing in front
	ready    func() error // called once requests are answered
}

// respond loads the page table, then answers requests until ctx ends, then
// answers those that were begun.
func (d *process) respond(ctx context.Context, how role) error {
	s := d.settings
	if how.admin != nil {
		defer how.admin.Close()
	}
	rows, err := openTable(ctx, s, how.follow, d.log)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	r, err := newResponder(s, rows, how.http, d.log)
	if err != nil {
		return err
	}
	defer r.close()
	if err := d.openAdminPage(r, how); err != nil {
		return err
	}
	serve, shutdown := d.transport(r, how)

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	background.Go(func() { rows.run(running) })
	if r.watch != nil {
		background.Go(func() { r.watch.Run(running) })
	}
	if r.admin != nil {
		background.Go(func() { r.reporting(running, d.worker) })
	}
	if how.admin != nil {
		background.Go(func() { serveAdmin(running, how.admin, adminHandler(r.registry, r.health), d.log) })
	}
	if d.worker == 0 {
		background.Go(func() { d.rereading(running, fixedInProcess, r.apply) })
	}
	served := make(chan error, 1)
	go func() { served <- serve() }()
	if err := how.ready(); err != nil {
		return err
	}
	d.notify(daemon.SdNotifyReady)

	select {
	case err = <-served:
	case <-ctx.Done():
	}
	d.log.Info("draining")
	d.notify(daemon.SdNotifyStopping)
	r.draining.Store(true)
	drain, cancel := context.WithTimeout(running, drainTime(s))
	defer cancel()
	var recalled sync.WaitGroup
	recalled.Go(func() { r.recall(drain, how.member) })
	if err := shutdown(drain); err != nil {
		d.log.Warn("requests were cut off", "error", err)
	}
	recalled.Wait()
	r.admin.end()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// transport makes the server of a role: serve answers requests until shutdown,
// which answers those that were begun.
func (d *process) transport(r *responder, how role) (serve func() error, shutdown func(context.Context) error) {
	if how.http {
		server := newHTTPServer(r, d.log)
		return func() error { return server.Serve(how.listener) }, server.Shutdown
	}
	s := d.settings
	server := fcgi.NewServer(r, fcgi.Options{
		MaxRequests: s.MaxRequests, MaxConns: s.MaxConnections,
		RequestTimeout: s.RequestTimeout, DrainIdle: drainIdle(s),
		Prompt: r.prompt, MaxBody: r.admin.maxBody(), ErrorPages: r.handler.Load().ErrorPages(), Logger: d.log,
	})
	registerFastCGI(r.registry, server)
	serve = func() error { return server.Serve(how.listener) }
	if how.member == nil {
		return serve, server.Shutdown
	}
	go func() { _ = server.Serve(how.member.Conns) }() // ends with the other listener
	return serve, func(ctx context.Context) error {
		select {
		case <-how.member.Retired:
			return server.HandOver(ctx, func(c net.Conn) {
				if err := how.member.HandOver(c); err != nil {
					d.log.Warn("connection closed instead", "error", err)
				}
			})
		default:
			return server.Shutdown(ctx)
		}
	}
}

// drainIdle is how long a draining process keeps an idle connection: longer
// than the web server might go on using it.
func drainIdle(s *config.Settings) time.Duration { return s.ConnectionTTL + time.Second }

// drainTime is within which a process drains.
func drainTime(s *config.Settings) time.Duration {
	return s.RequestTimeout + drainIdle(s) + 5*time.Second
}

// notify tells systemd, if it started this process; a worker's parent does it
// for the pool.
func (d *process) notify(state string) {
	if d.worker > 0 {
		return
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Warn("systemd not told", "state", state, "error", err)
	}
}

// newHTTPServer serves r over plain HTTP.
func newHTTPServer(r http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:  r,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// Large enough for any reader, small enough that idle ones go.
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
	}
}

// listen listens on the FastCGI address.
func listen(s *config.Settings) (net.Listener, error) {
	address := s.Listen
	if address == "" {
		address = defaultListen
	}
	return fcgi.Listen(address, fcgi.ListenOptions{
		Mode: fs.FileMode(s.SocketMode), Owner: s.SocketOwner, AllowPublic: s.AllowPublic,
	})
}

// listenHTTP listens on the address of plain HTTP.
func listenHTTP(s *config.Settings) (net.Listener, error) {
	address := s.HTTP
	if address == "" {
		address = defaultHTTP
	}
	if !s.AllowPublic && !loopback(address) {
		return nil, fmt.Errorf("%w: http: %s is not a loopback address; to serve others directly, set allow-public", errUsage, address)
	}
	return net.Listen("tcp", address)
}

// listenAdmin listens on the address of the admin pages, nowhere for "".
func listenAdmin(address string) (net.Listener, error) {
	switch {
	case address == "":
		return nil, nil
	case strings.HasPrefix(address, "unix:"):
		return fcgi.Listen(address, fcgi.ListenOptions{Mode: 0o600})
	case !loopback(address):
		return nil, fmt.Errorf("%w: admin: %s is not a loopback address; it may be HOST:PORT on loopback or unix:PATH", errUsage, address)
	}
	return net.Listen("tcp", address)
}

// loopback reports whether a HOST:PORT can be reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
