// Askers: the site's handler in this process, and a server.

package verify

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/check/guard"
)

// Handler asks a handler in this process.
type Handler struct {
	Handler http.Handler
	Hosts   mapping.Hosts // locations on them are paths of the site
}

// Ask implements Asker.
func (h Handler) Ask(ctx context.Context, target string, body bool) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, context.Cause(ctx)
	}
	w := answerWriter{header: http.Header{}}
	r := &http.Request{Method: http.MethodHead, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
	if body {
		r.Method = http.MethodGet
		w.hash = sha256.New()
	}
	h.Handler.ServeHTTP(&w, r.WithContext(ctx))
	w.WriteHeader(http.StatusOK)
	a := Answer{Status: w.status, Location: h.Hosts.SitePath(w.header.Get("Location")), Type: w.header.Get("Content-Type")}
	if body && a.Status == http.StatusOK {
		a.Hash = sum(w.hash)
	}
	return a, nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// answerWriter keeps the head of an answer and hashes its body.
type answerWriter struct {
	header http.Header
	status int
	hash   hash.Hash // nil: the body is dropped
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.hash != nil {
		w.hash.Write(p)
	}
	return len(p), nil
}

// LiveOptions of NewLive. Base is needed.
type LiveOptions struct {
	Base       string        // scheme and host, as in https://www.example.org
	Host       string        // sent as the Host, and the name that TLS asks for; "": Base's
	Hosts      mapping.Hosts // locations on them, as on Base, are paths of the site
	AllowHosts []string      // hosts whose addresses may be private, as guard.Transport takes them
	UserAgent  string        // "": "pagemapctl-verify"
	Timeout    time.Duration // of one request with its body; 0: 30 s
	Rate       float64       // requests a second; 0: no limit
}

// Live asks a server over HTTP. Connections are kept alive; redirects are not
// followed; cookies are not kept.
type Live struct {
	o      LiveOptions
	base   *url.URL
	hosts  mapping.Hosts
	client *http.Client

	mu   sync.Mutex
	next time.Time // when the next request may be sent
}

// NewLive returns a ready asker.
func NewLive(o LiveOptions) (*Live, error) {
	base, err := url.Parse(o.Base)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil {
		return nil, fmt.Errorf("verify: %q is no server's URL: write scheme and host, as in https://www.example.org", o.Base)
	}
	if o.UserAgent == "" {
		o.UserAgent = "pagemapctl-verify"
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	transport := guard.Transport(o.AllowHosts...)
	l := &Live{o: o, base: base, hosts: append(mapping.Hosts{strings.ToLower(base.Host)}, o.Hosts...)}
	if o.Host != "" {
		l.hosts = append(l.hosts, strings.ToLower(o.Host))
		transport.TLSClientConfig = serverName(o.Host)
	}
	l.client = &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return l, nil
}

// Close closes idle connections.
func (l *Live) Close() { l.client.CloseIdleConnections() }

// Ask implements Asker. Without body it asks with HEAD, and with GET where the
// server does not know that.
func (l *Live) Ask(ctx context.Context, target string, body bool) (Answer, error) {
	if body {
		h := sha256.New()
		a, err := l.get(ctx, target, h)
		if a.Status == http.StatusOK && a.Error == "" {
			a.Hash = sum(h)
		}
		return a, err
	}
	a, err := l.request(ctx, http.MethodHead, target, nil)
	if err == nil && (a.Status == http.StatusMethodNotAllowed || a.Status == http.StatusNotImplemented) {
		return l.get(ctx, target, io.Discard)
	}
	return a, err
}

// get asks with GET and copies the body to w.
func (l *Live) get(ctx context.Context, target string, w io.Writer) (Answer, error) {
	return l.request(ctx, http.MethodGet, target, w)
}

func (l *Live) request(ctx context.Context, method, target string, w io.Writer) (Answer, error) {
	if err := l.wait(ctx); err != nil {
		return Answer{}, err
	}
	r := (&http.Request{Method: method, URL: l.url(target), Host: l.o.Host, Header: http.Header{"User-Agent": {l.o.UserAgent}}}).WithContext(ctx)
	res, err := l.client.Do(r)
	if err == nil {
		defer res.Body.Close()
		a := Answer{Status: res.StatusCode, Location: l.hosts.SitePath(res.Header.Get("Location")), Type: res.Header.Get("Content-Type")}
		if w == nil || a.Status != http.StatusOK {
			_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
			return a, nil
		}
		if _, err = io.Copy(w, res.Body); err == nil {
			return a, nil
		}
	}
	if ctx.Err() != nil {
		return Answer{}, context.Cause(ctx)
	}
	if inner := new(url.Error); errors.As(err, &inner) {
		err = inner.Err // without method and URL
	}
	return Answer{Error: err.Error()}, nil
}

// url is what net/http sends the target for, byte for byte.
func (l *Live) url(target string) *url.URL {
	path, query, hasQuery := strings.Cut(target, "?")
	u := &url.URL{Scheme: l.base.Scheme, Host: l.base.Host, Opaque: path, RawQuery: query, ForceQuery: hasQuery && query == ""}
	if strings.HasPrefix(path, "//") { // would be read as a host
		u.Opaque = "//" + l.base.Host + path
	}
	return u
}

// wait keeps the rate.
func (l *Live) wait(ctx context.Context) error {
	if l.o.Rate <= 0 {
		return nil
	}
	l.mu.Lock()
	now := time.Now()
	at := l.next
	if at.Before(now) {
		at = now
	}
	l.next = at.Add(time.Duration(float64(time.Second) / l.o.Rate))
	l.mu.Unlock()
	select {
	case <-time.After(at.Sub(now)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// serverName asks for the certificate of a host other than the one that is dialled.
func serverName(host string) *tls.Config {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}
