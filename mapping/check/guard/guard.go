// Package guard makes HTTP transports that reach public addresses only.
//
// A maintainer's command asks for URLs that others wrote: targets of redirects,
// links of pages. None of them shall make it knock at a machine behind the
// firewall. So an address is judged when it is dialled, after its name was
// resolved, for every connection anew, those of redirects too: a name that leads
// to a private address today and did not yesterday helps nobody. No proxy is
// used, since a proxy would dial for us.
//
// Refused is every address that is not public unicast: loopback, private (RFC
// 1918, RFC 4193), link-local, shared (RFC 6598), unspecified, multicast,
// reserved, for documentation or benchmarks, and the IPv6 forms that carry any
// IPv4 address within (mapped, NAT64, 6to4, Teredo). Hosts that the caller names are
// exempt, by the name or address that a URL has, not by what it resolves to.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrPrivate is that the address is not a public one and its host was not allowed.
var ErrPrivate = errors.New("guard: not a public address")

// Transport returns a transport whose connections go to public addresses and to
// the allowed hosts: "host" for all its ports or "host:port", lower case; an
// IPv6 address in brackets where a port follows. It keeps connections alive, never asks for
// compression, and hands redirects to the caller as every transport does.
func Transport(allowed ...string) *http.Transport {
	plain := net.Dialer{Timeout: 10 * time.Second}
	public := plain
	public.Control = func(_, address string, _ syscall.RawConn) error { return Check(address) }
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if Allowed(allowed, address) {
				return plain.DialContext(ctx, network, address)
			}
			return public.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second,
	}
}

// Allowed reports whether the host of address, "host:port", is among the allowed.
func Allowed(allowed []string, address string) bool {
	address = strings.ToLower(address)
	host, _, err := net.SplitHostPort(address)
	return err == nil && (slices.Contains(allowed, address) || slices.Contains(allowed, host) || slices.Contains(allowed, "["+host+"]"))
}

// special are the ranges of global unicast addresses that are not public.
var special = func() (prefixes []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fec0::/10",
	} {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}()

// Check refuses an address, "ip:port", that is not public: ErrPrivate.
func Check(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrPrivate, address)
	}
	ip := at.Addr().WithZone("").Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return fmt.Errorf("%w: %s", ErrPrivate, ip)
	}
	return nil
}
