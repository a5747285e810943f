// Package freeport finds ports of loopback for the servers that tests and measurements start.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// The ports below those that Linux gives to outgoing connections and to listeners on port 0
// (net.ipv4.ip_local_port_range, 32768 to 60999): no connection takes one between its being found and a server's listening.
const first, last = 10000, 32767

// Find returns a port of 127.0.0.1, in digits, that nobody listens on. Only a process that looks for ports in the same
// way may take it before the caller does, by an unlikely chance.
func Find() (string, error) {
	for range 100 {
		port := strconv.Itoa(first + rand.IntN(last-first+1))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)) //nolint:noctx // listening ends at once
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("freeport: %w", err)
		}
		return port, l.Close()
	}
	return "", fmt.Errorf("freeport: a hundred ports from %d to %d are all in use", first, last)
}
