// Targets on other hosts: do they answer?

package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/check/guard"
)

// ProberOptions of NewProber; the zero value is polite.
type ProberOptions struct {
	UserAgent  string        // how it names itself; "": "pagemapctl-check"
	AllowHosts []string      // hosts whose addresses may be private, as guard.Transport takes them
	Timeout    time.Duration // of one request; 0: 15 s
	Pause      time.Duration // between two requests to one host; 0: 1 s; below 0: none
	Hosts      int           // hosts asked at a time; 0: 16
}

// Prober asks other hosts for URLs. It is safe for concurrent use.
type Prober struct {
	o      ProberOptions
	client *http.Client
}

// NewProber returns a ready prober.
func NewProber(o ProberOptions) *Prober {
	if o.UserAgent == "" {
		o.UserAgent = "pagemapctl-check"
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Hosts == 0 {
		o.Hosts = 16
	}
	return &Prober{o: o, client: &http.Client{Transport: guard.Transport(o.AllowHosts...), Timeout: o.Timeout}}
}

// Close closes idle connections.
func (p *Prober) Close() { p.client.CloseIdleConnections() }

// Ask says why a URL is dead, "" where it lives. unreachable: its host did not answer at all.
func (p *Prober) Ask(ctx context.Context, target string) (why string, unreachable bool) {
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		var status int
		if status, why = p.request(ctx, method, target); status != 0 && alive(status) {
			return "", false
		}
		unreachable = status == 0
		if unreachable {
			break
		}
	}
	return why, unreachable
}

func (p *Prober) request(ctx context.Context, method, target string) (status int, why string) {
	r, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("User-Agent", p.o.UserAgent)
	res, err := p.client.Do(r)
	if err != nil {
		if inner := new(url.Error); errors.As(err, &inner) {
			err = inner.Err // without method and URL
		}
		return 0, err.Error()
	}
	res.Body.Close()
	return res.StatusCode, fmt.Sprintf("answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

// alive reports whether a status tells that somebody is there.
func alive(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return status < 400
}

// target is one URL on another host.
type target struct {
	url   string
	first *mapping.Row // the first row that leads there
	rows  int
	why   string // it is dead
}

// addTarget remembers the target of a row.
func (r *run) addTarget(row *mapping.Row) {
	if !r.want[External] {
		return
	}
	text, _, _ := strings.Cut(row.Source, "#")
	if base, ok := strings.CutSuffix(text, "/*"); ok {
		text = base + "/"
	}
	t := r.targets[text]
	if t == nil {
		t = &target{url: text, first: row}
		r.targets[text] = t
	}
	t.rows++
}

// giveUp is the number of failures in a row after which a host is not asked again.
const giveUp = 3

// external asks all targets, the URLs of one host one after the other.
func (r *run) external(ctx context.Context) error {
	hosts := map[string][]*target{}
	for _, text := range slices.Sorted(maps.Keys(r.targets)) {
		host := ""
		if u, err := url.Parse(text); err == nil {
			host = u.Host
		}
		hosts[host] = append(hosts[host], r.targets[text])
	}
	var mu sync.Mutex // protects r.report and the call of Progress
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.External.o.Hosts)
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r.External.host(ctx, hosts[host], func() {
				mu.Lock()
				defer mu.Unlock()
				r.report.External++
				r.progress()
			})
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	all := slices.SortedFunc(maps.Values(r.targets), func(a, b *target) int { return cmp.Compare(a.url, b.url) })
	for _, t := range all {
		if t.why == "" {
			continue
		}
		detail := t.url + " " + t.why
		if t.rows > 1 {
			detail += fmt.Sprintf(" (%d rows lead there)", t.rows)
		}
		if err := r.tell(External, t.first.Pattern, detail, "pagemapctl page set "+quote(t.first.Pattern)+" 410"); err != nil {
			return err
		}
	}
	return nil
}

// host asks for the targets on one host.
func (p *Prober) host(ctx context.Context, targets []*target, asked func()) {
	failures := 0
	for i, t := range targets {
		if failures == giveUp {
			t.why = targets[i-1].why
			asked()
			continue
		}
		if i > 0 && p.o.Pause > 0 {
			select {
			case <-time.After(p.o.Pause):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
		var unreachable bool
		t.why, unreachable = p.Ask(ctx, t.url)
		if unreachable {
			failures++
		} else {
			failures = 0
		}
		asked()
	}
}
