// Asking one side for one target.

package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// answer is what is compared of a response. Of the body there is the hash.
type answer struct {
	status      int
	location    string
	kind        string // Content-Type
	language    string
	encoding    string
	modified    string
	robots      string
	length      int64 // Content-Length, -1 without
	size        int64
	sum         [sha256.Size]byte
	gzipDiffers bool // asked for gzip, other bytes came
}

func (a answer) redirect() bool { return a.status/100 == 3 && a.location != "" }

// side is one of the two servers.
type side struct {
	host   string // host:port
	client *http.Client
}

func newSide(host string, connections int) *side {
	return &side{host, &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{}).DialContext,
			MaxIdleConns:        connections,
			MaxIdleConnsPerHost: connections,
			DisableCompression:  true, // encodings are asked for by name
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get asks for target exactly as it is spelt and passes the body to w as well.
func (s *side) get(ctx context.Context, target, encoding string, w io.Writer) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.host+"/", nil)
	if err != nil {
		return answer{}, err
	}
	req.URL = &url.URL{Scheme: "http", Host: s.host, Opaque: target}
	if strings.HasPrefix(target, "//") {
		req.URL.Opaque = "//" + s.host + target // absolute form; two slashes alone would name a host
	}
	req.Header.Set("Accept-Encoding", encoding)
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s from %s: %w", target, s.host, err)
	}
	defer res.Body.Close()
	a := answer{
		status:   res.StatusCode,
		location: s.local(res.Header.Get("Location")),
		kind:     res.Header.Get("Content-Type"),
		language: res.Header.Get("Content-Language"),
		encoding: res.Header.Get("Content-Encoding"),
		modified: res.Header.Get("Last-Modified"),
		robots:   res.Header.Get("X-Robots-Tag"),
		length:   res.ContentLength,
	}
	body := io.Reader(res.Body)
	if encoding == "gzip" && a.encoding == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return answer{}, fmt.Errorf("GET %s from %s with gzip: %w", target, s.host, err)
		}
	}
	hash := sha256.New()
	if a.size, err = io.Copy(io.MultiWriter(hash, w), body); err != nil {
		return answer{}, fmt.Errorf("GET %s from %s: %w", target, s.host, err)
	}
	hash.Sum(a.sum[:0])
	return a, nil
}

// local is a Location on this side as path and query; another stays as it is.
func (s *side) local(location string) string {
	if rest, ok := strings.CutPrefix(location, "http://"+s.host); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return location
}
