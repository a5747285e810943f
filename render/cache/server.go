// The memcached servers, and which of them a key belongs to.

package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// Errors of New, tested with errors.Is.
var (
	ErrBadServer = errors.New("not a memcached server: want host:port or unix:/path, each once")
	ErrNoHMACKey = errors.New("a memcached server that is not on loopback needs an HMAC key")
)

// maxIdle is how many idle connections to a server are kept: more than operations
// usually run at once.
const maxIdle = 64

// server is one memcached server. It has a client of its own, so that its idle connections
// can be closed when it fails, and is that client's one net.Addr and ServerSelector.
type server struct {
	name     string // as configured
	network  string // "tcp" or "unix"
	address  string
	local    bool   // a unix socket or on loopback
	hash     uint64 // of the name
	client   *memcache.Client
	patience patience
}

// newServers parses the servers' names.
func newServers(names []string, timeout time.Duration) ([]*server, error) {
	servers := make([]*server, 0, len(names))
	seen := make(map[string]bool)
	for _, name := range names {
		s := &server{name: name, network: "tcp", address: name}
		if path, ok := strings.CutPrefix(name, "unix:"); ok {
			s.network, s.address, s.local = "unix", path, true
			if !strings.HasPrefix(path, "/") {
				return nil, fmt.Errorf("cache: server %q: %w", name, ErrBadServer)
			}
		} else {
			host, port, err := net.SplitHostPort(name)
			if err != nil || host == "" || port == "" {
				return nil, fmt.Errorf("cache: server %q: %w", name, ErrBadServer)
			}
			ip, err := netip.ParseAddr(host)
			s.local = host == "localhost" || err == nil && ip.IsLoopback()
		}
		if seen[name] {
			return nil, fmt.Errorf("cache: server %q: %w", name, ErrBadServer)
		}
		seen[name] = true
		sum := sha256.Sum256([]byte(name))
		s.hash = binary.BigEndian.Uint64(sum[:])
		s.client = memcache.NewFromSelector(s)
		s.client.Timeout = timeout
		s.client.MaxIdleConns = maxIdle
		s.client.DialContext = dial
		servers = append(servers, s)
	}
	return servers, nil
}

// PickServer implements memcache.ServerSelector: a client has this server alone.
func (s *server) PickServer(string) (net.Addr, error) { return s, nil }

// Each implements memcache.ServerSelector.
func (s *server) Each(f func(net.Addr) error) error { return f(s) }

// Network implements net.Addr.
func (s *server) Network() string { return s.network }

// String implements net.Addr.
func (s *server) String() string { return s.address }

// pick returns the server that key belongs to.
func pick(servers []*server, key Key) *server {
	best, high := servers[0], uint64(0)
	k := binary.BigEndian.Uint64(key[:])
	for _, s := range servers {
		if w := mix(k ^ s.hash); w >= high {
			best, high = s, w
		}
	}
	return best
}

// mix spreads the bits of x over all of the result (the finaliser of
// SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
