// Sending a request and reading its answer, no more and no longer than is allowed.

package fetch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// exchange waits for its turn and makes one exchange, redirects included.
func (c *Client) exchange(ctx context.Context, method string, u *url.URL, body string, header http.Header) (*Answer, error) {
	if err := c.allow(u); err != nil {
		return nil, err
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == "" {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	req.Header = header
	req.Header.Set("User-Agent", "pagemap")
	if c.o.User != "" {
		req.SetBasicAuth(c.o.User, c.o.Password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a := &Answer{Status: res.StatusCode, Header: res.Header, URL: res.Request.URL}
	if a.Body, err = c.read(res, cancel); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return a, nil
}

// read reads a body, and cancels the request where it comes too slowly.
func (c *Client) read(res *http.Response, cancel context.CancelCauseFunc) ([]byte, error) {
	if res.ContentLength > c.o.MaxBytes {
		return nil, ErrTooLarge
	}
	var arrived atomic.Int64
	window := c.o.Timeout / 5
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(window)
		defer tick.Stop()
		least := int64(minRate * window.Seconds())
		for before := int64(0); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				now := arrived.Load()
				if now-before < least {
					cancel(ErrSlow)
					return
				}
				before = now
			}
		}
	}()
	var b bytes.Buffer
	b.Grow(int(max(res.ContentLength, 0)) + bytes.MinRead)
	_, err := io.Copy(&b, io.LimitReader(counter{res.Body, &arrived}, c.o.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(b.Len()) > c.o.MaxBytes {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// counter counts what is read.
type counter struct {
	io.Reader
	n *atomic.Int64
}

func (r counter) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}
