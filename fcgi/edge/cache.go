// Cache: one cache in front of the site, and the requests it is sent.

package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pagemap/mapping"
)

// Header carries the pool's secret.
const Header = "Pagemap-Invalidate"

// Encodings are the values of Accept-Encoding under which an Apache with
// pagemap-edge.conf keeps a page.
var Encodings = [...]string{"br, gzip", "gzip", "identity"}

// ErrCache is wrapped in the errors of ParseCache.
var ErrCache = errors.New("edge: not the URL of a cache")

// Cache is where a cache is told to forget. The zero value is none.
type Cache struct {
	base  url.URL // scheme http or https, and host
	purge bool    // a Varnish
}

// ParseCache reads http://HOST[:PORT] or https://HOST[:PORT], an Apache, or the
// same with varnish+ before it. Host and port are where the cache is reached from
// here; the site's name is sent as Host, and for https as the server's name.
func ParseCache(text string) (Cache, error) {
	bad := func() (Cache, error) {
		return Cache{}, fmt.Errorf("%w: %q: write http://HOST:PORT or https://HOST:PORT for Apache, varnish+http://HOST:PORT for Varnish", ErrCache, text)
	}
	u, err := url.Parse(text)
	if err != nil {
		return bad()
	}
	scheme, purge := strings.CutPrefix(u.Scheme, "varnish+")
	if scheme != "http" && scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return bad()
	}
	return Cache{base: url.URL{Scheme: scheme, Host: u.Host}, purge: purge}, nil
}

// String is the cache's URL, as ParseCache reads it.
func (c Cache) String() string {
	if c.purge {
		return "varnish+" + c.base.String()
	}
	return c.base.String()
}

// Times of a request to a cache.
const (
	connectTime = time.Second
	requestTime = 2 * time.Second
)

// maxRequests is how many requests a cache is sent at a time.
const maxRequests = 8

// client returns what sends requests to caches of the site.
func client(host string) *http.Client {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:     (&net.Dialer{Timeout: connectTime}).DialContext,
			TLSClientConfig: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12},
			MaxConnsPerHost: maxRequests, MaxIdleConnsPerHost: maxRequests,
			// Below the KeepAliveTimeout of 5 s, or a request meets its end.
			IdleConnTimeout:    3 * time.Second,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// forget has the cache forget a page.
func (c Cache) forget(ctx context.Context, via *http.Client, host, secret string, path mapping.Path) error {
	if c.purge {
		return c.request(ctx, via, "PURGE", host, secret, path, "")
	}
	for _, encoding := range Encodings {
		if err := c.request(ctx, via, http.MethodDelete, host, secret, path, encoding); err != nil {
			return err
		}
	}
	return nil
}

// request sends one request; anything but 200 or 204 is an error.
func (c Cache) request(ctx context.Context, via *http.Client, method, host, secret string, path mapping.Path, encoding string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	target := c.base
	target.Opaque = string(path) // sent as it is
	req := (&http.Request{Method: method, URL: &target, Host: host, Header: http.Header{
		Header:            {secret},
		"Accept-Encoding": {encoding},
		"User-Agent":      {"pagemapd"},
	}}).WithContext(ctx)
	if encoding == "" {
		req.Header.Del("Accept-Encoding")
	}
	res, err := via.Do(req)
	if err != nil {
		return fmt.Errorf("edge: %s %s at %s: %w", method, path, c, err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil { // the connection is used again
		return fmt.Errorf("edge: %s %s at %s: %w", method, path, c, err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("edge: %s %s at %s: answered %s", method, path, c, res.Status)
	}
	return nil
}
