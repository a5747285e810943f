//go:build !race

package apache_test

// raceEnabled: the tests run with the race detector.
const raceEnabled = false

// slowness is how many times longer responders take.
const slowness = 1
