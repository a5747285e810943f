// How much is done under the race detector.

//go:build race

package pool_test

const (
	loadReloads  = 15
	loadRequests = 10_000
)
