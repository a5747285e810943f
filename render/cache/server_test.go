package cache

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
)

func TestNewErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want error // nil: no error
	}{
		{"no server", Options{}, nil},
		{"IPv4 loopback", Options{Servers: []string{"127.0.0.1:11211"}}, nil},
		{"all of 127/8", Options{Servers: []string{"127.1.2.3:11211"}}, nil},
		{"IPv6 loopback", Options{Servers: []string{"[::1]:11211"}}, nil},
		{"localhost", Options{Servers: []string{"localhost:11211"}}, nil},
		{"unix socket", Options{Servers: []string{"unix:/run/mc"}}, nil},
		{"other host, key", Options{Servers: []string{"cache.example:11211"}, HMACKey: []byte("k")}, nil},
		{"other host", Options{Servers: []string{"cache.example:11211"}}, ErrNoHMACKey},
		{"private address", Options{Servers: []string{"10.0.0.1:11211"}}, ErrNoHMACKey},
		{"one of two not loopback", Options{Servers: []string{"127.0.0.1:1", "192.0.2.1:1"}}, ErrNoHMACKey},
		{"name beginning like loopback", Options{Servers: []string{"127.0.0.1.example:1"}}, ErrNoHMACKey},
		{"no port", Options{Servers: []string{"127.0.0.1"}}, ErrBadServer},
		{"empty port", Options{Servers: []string{"127.0.0.1:"}}, ErrBadServer},
		{"empty host", Options{Servers: []string{":11211"}}, ErrBadServer},
		{"relative socket", Options{Servers: []string{"unix:mc"}}, ErrBadServer},
		{"twice", Options{Servers: []string{"127.0.0.1:1", "127.0.0.1:1"}}, ErrBadServer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.o)
			if !errors.Is(err, tt.want) {
				t.Errorf("New: %v, want %v", err, tt.want)
			}
		})
	}
	for _, prefix := range []string{"with space", "line\r\n", "é", fmt.Sprintf("%0101d", 0)} {
		if _, err := New(Options{Servers: []string{"unix:/run/mc"}, Prefix: prefix}); err == nil {
			t.Errorf("prefix %q is accepted", prefix)
		}
	}
}

func serversOf(t *testing.T, n int) []*server {
	t.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("192.0.2.%d:11211", i+1))
	}
	servers, err := newServers(names, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

// TestPick: the keys spread evenly, a server that joins takes its share alone, and
// no other key moves. The other way round it is a server that leaves.
func TestPick(t *testing.T) {
	const keys = 20_000
	for _, n := range []int{1, 2, 3, 5, 10, 30} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			after := serversOf(t, n+1)
			before, joined := after[:n], after[n]
			count := make(map[*server]int)
			moved := 0
			for i := range keys {
				key := KeyOf(strconv.Itoa(i))
				old, now := pick(before, key), pick(after, key)
				count[old]++
				if old != now {
					moved++
					if now != joined {
						t.Fatalf("key %d moved between two that stay", i)
					}
				}
			}
			if limit := 1.5 * keys / float64(n+1); float64(moved) > limit || moved == 0 {
				t.Errorf("%d keys moved, want 1 to %.0f", moved, limit)
			}
			for s, c := range count {
				if share := float64(c) * float64(n) / keys; share < 0.8 || share > 1.2 {
					t.Errorf("%s has %.2f of its share", s, share)
				}
			}
		})
	}
}

// TestPickOrder: the order in which servers are configured does not count.
func TestPickOrder(t *testing.T) {
	servers := serversOf(t, 5)
	turned := append(append([]*server(nil), servers[2:]...), servers[:2]...)
	for i := range 1000 {
		if key := KeyOf(strconv.Itoa(i)); pick(servers, key) != pick(turned, key) {
			t.Fatalf("key %d depends on the order", i)
		}
	}
}
