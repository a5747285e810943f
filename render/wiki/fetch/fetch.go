// Package fetch is an HTTP client for one site: a wiki, which may be slow, broken or in
// hostile hands, and must not stall whoever asks, nor fill their memory, nor send them elsewhere.
//
// # Where it goes
//
// The site is the scheme, host and port of [Options.Site]; a maintainer names it, so it may well be on
// loopback or in a private network. A request for any other URL is refused before anything is
// sent. So is a redirect: it is followed only for a GET, five times at most, and only to the same host name, with
// the same scheme and port, or from http to https where both have their usual ports. Every hop is checked alike, and
// without the conditions of the request. User
// information in a URL is refused. Credentials go with each request, and so to that host alone.
// Proxies that the environment names are not used: the site is asked itself.
//
// # Limits
//
//   - [Options.Timeout] is for the whole request: waiting for a connection, all redirects, and the last byte of the body.
//   - A body must arrive at minRate (512 bytes a second) or more, measured over each fifth of the timeout.
//   - The headers of an answer have 64 KiB at most, its body [Options.MaxBytes]. The body is counted as it is when
//     decompressed, so that a few bytes cannot become many: what is beyond is never read.
//   - [Options.MaxConns] requests are under way at most; others wait for their turn. So a client holds no more than about
//     three times MaxConns × MaxBytes.
//
// # Errors
//
// A site that cannot be asked is an error that wraps render.ErrUnavailable, and one of this package's own
// where that tells more. A status is no error: what it means is the caller's to say. Bodies cut short are errors.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pagemap/render"
)

// Errors, each of which is a render.ErrUnavailable.
var (
	ErrElsewhere = fmt.Errorf("fetch: not on the wiki's host: %w", render.ErrUnavailable)
	ErrRedirects = fmt.Errorf("fetch: too many redirects: %w", render.ErrUnavailable)
	ErrTooLarge  = fmt.Errorf("fetch: answer too large: %w", render.ErrUnavailable)
	ErrSlow      = fmt.Errorf("fetch: answer too slow: %w", render.ErrUnavailable)
)

const (
	maxRedirects   = 5
	maxHeaderBytes = 64 << 10
	minRate        = 512 // bytes of a body in a second
)

// Options of New.
type Options struct {
	Site     *url.URL      // any URL of the site
	Timeout  time.Duration // of a whole request; 0: 10 s
	MaxBytes int64         // of a body, decompressed; 0: 8 MiB
	MaxConns int           // requests at a time; 0: 4

	// User and Password are sent as Basic authentication (RFC 7617) where User is not "".
	User, Password string
	// Jar keeps the site's cookies; nil: they are ignored.
	Jar http.CookieJar
}

// Client asks one site. It is safe for concurrent use.
type Client struct {
	o     Options
	http  *http.Client
	turns chan struct{} // one element for each request under way
}

// New returns a client. It connects to nothing yet.
func New(o Options) (*Client, error) {
	if err := checkSite(o.Site); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 8 << 20
	}
	if o.MaxConns == 0 {
		o.MaxConns = 4
	}
	c := &Client{o: o, turns: make(chan struct{}, o.MaxConns)}
	c.http = &http.Client{
		Jar: o.Jar,
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    o.Timeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    o.MaxConns,
			MaxResponseHeaderBytes: maxHeaderBytes,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if via[0].Method != http.MethodGet {
				return http.ErrUseLastResponse
			}
			if len(via) > maxRedirects {
				return ErrRedirects
			}
			// What the caller has is not the page that the redirect leads to.
			req.Header.Del("If-None-Match")
			req.Header.Del("If-Modified-Since")
			return c.allow(req.URL)
		},
	}
	return c, nil
}

func checkSite(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("fetch: no site is named")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("fetch: %s: the scheme is not http or https", u.Redacted())
	case u.Hostname() == "":
		return fmt.Errorf("fetch: %s: no host", u.Redacted())
	case u.User != nil:
		return fmt.Errorf("fetch: %s: credentials in a URL; put them into the credentials' file", u.Redacted())
	}
	return nil
}

// allow tells whether a URL is on the site.
func (c *Client) allow(u *url.URL) error {
	site := c.o.Site
	same := u.Scheme == site.Scheme && port(u) == port(site)
	safer := site.Scheme == "http" && port(site) == "80" && u.Scheme == "https" && port(u) == "443"
	if u.User != nil || u.Opaque != "" || !strings.EqualFold(u.Hostname(), site.Hostname()) || !same && !safer {
		return fmt.Errorf("%s: %w", u.Redacted(), ErrElsewhere)
	}
	return nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// Answer is what the site said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // behind all redirects
}

// Validators are those of an answer that the caller still has (RFC 9110, section 13.1); the zero value is none.
type Validators struct {
	ETag         string // with its quotes
	LastModified string // as the site wrote it
}

// ValidatorsOf returns an answer's, as far as they can be trusted: a date only where it is two seconds or more before
// that of the answer, as the page may change again within a second (RFC 9110, section 8.8.2.2).
func ValidatorsOf(a *Answer) Validators {
	v := Validators{ETag: a.Header.Get("ETag")}
	modified := a.Header.Get("Last-Modified")
	if m, err := http.ParseTime(modified); err == nil {
		if d, err := http.ParseTime(a.Header.Get("Date")); err == nil && d.Sub(m) >= 2*time.Second {
			v.LastModified = modified
		}
	}
	return v
}

// Get asks for a URL; with validators, the status may be 304.
func (c *Client) Get(ctx context.Context, u *url.URL, v Validators) (*Answer, error) {
	header := http.Header{}
	if v.ETag != "" {
		header.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		header.Set("If-Modified-Since", v.LastModified)
	}
	a, err := c.do(ctx, http.MethodGet, u, "", header)
	if err == nil && a.Status == http.StatusNotModified && v == (Validators{}) {
		err = fmt.Errorf("fetch: GET %s: not modified, without a condition: %w", u.Redacted(), render.ErrUnavailable)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Post sends a form. Its redirects are not followed.
func (c *Client) Post(ctx context.Context, u *url.URL, form url.Values) (*Answer, error) {
	return c.do(ctx, http.MethodPost, u, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// do sends one request and reads its answer, within the client's limits.
func (c *Client) do(ctx context.Context, method string, u *url.URL, body string, header http.Header) (*Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, ErrSlow)
	defer cancel()
	a, err := c.exchange(ctx, method, u, body, header)
	if err == nil {
		return a, nil
	}
	// The cause says more than that something was canceled.
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", cause, unwrapURL(err))
	}
	if !errors.Is(err, render.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", unwrapURL(err), render.ErrUnavailable)
	}
	return nil, fmt.Errorf("fetch: %s %s: %w", method, u.Redacted(), err)
}

// unwrapURL takes off what net/http adds: method and URL are said once.
func unwrapURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
