// What the workers tell of themselves, asked for and merged by the parent.

package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// ErrDown is the answer of a worker that is not there.
var ErrDown = errors.New("pool: worker is down")

const (
	askTimeout = 2 * time.Second // for one worker's answer
	maxAnswer  = 4 << 20         // bytes of it
)

// Answer is what one worker's admin page answered.
type Answer struct {
	Worker int // counted from 1
	Status int
	Body   []byte
	Err    error // ErrDown, or why there is no answer
}

// Ask gets one admin page of every worker, all at once, in the order of their numbers.
func (p *Pool) Ask(ctx context.Context, path string) []Answer {
	answers := make([]Answer, len(p.slots))
	var asking sync.WaitGroup
	for i, s := range p.slots {
		asking.Go(func() {
			a := &answers[i]
			a.Worker = s.n
			if w := s.worker.Load(); w != nil {
				a.Status, a.Body, a.Err = w.get(ctx, path)
			} else {
				a.Err = ErrDown
			}
		})
	}
	asking.Wait()
	return answers
}

// get gets one of the worker's admin pages.
func (w *worker) get(ctx context.Context, path string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker"+path, nil)
	if err != nil {
		return 0, nil, err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", w.admin)
		},
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, body, err
}

// metrics are the parent's own.
type metrics struct {
	registry *prometheus.Registry
	restarts prometheus.Counter
	reloads  *prometheus.CounterVec
}

func newMetrics(p *Pool) metrics {
	m := metrics{
		registry: prometheus.NewRegistry(),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pagemap_pool_restarts_total", Help: "Attempts to start a worker again that had died.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pagemap_pool_reloads_total", Help: "Replacements of all workers, by result.",
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.restarts, m.reloads, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pagemap_pool_workers", Help: "Workers in their places.",
	}, func() float64 {
		up := 0
		for _, s := range p.slots {
			if s.worker.Load() != nil {
				up++
			}
		}
		return float64(up)
	}))
	prometheus.WrapRegistererWith(prometheus.Labels{"worker": "parent"}, m.registry).MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gather implements prometheus.Gatherer: the metrics of every worker's /metrics
// page with the label worker="1" and so on, and the parent's own, those of its
// process with worker="parent". A worker that does not answer is left out.
func (p *Pool) Gather() ([]*dto.MetricFamily, error) {
	gatherers := prometheus.Gatherers{p.metrics.registry}
	for _, a := range p.Ask(context.Background(), "/metrics") {
		gatherers = append(gatherers, prometheus.GathererFunc(a.families))
	}
	return gatherers.Gather()
}

// families parses a worker's metrics and labels them with its number.
func (a Answer) families() ([]*dto.MetricFamily, error) {
	if a.Err != nil || a.Status != http.StatusOK {
		return nil, nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := parser.TextToMetricFamilies(bytes.NewReader(a.Body))
	if err != nil {
		return nil, fmt.Errorf("pool: metrics of worker %d: %w", a.Worker, err)
	}
	name, value := "worker", strconv.Itoa(a.Worker)
	var families []*dto.MetricFamily
	for _, family := range byName {
		for _, m := range family.Metric {
			m.Label = append(m.Label, &dto.LabelPair{Name: &name, Value: &value})
		}
		families = append(families, family)
	}
	return families, nil
}
