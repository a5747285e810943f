// How much is done without the race detector.

//go:build !race

package pool_test

const (
	loadReloads  = 100
	loadRequests = 100_000
)
