//go:build race

package apache_test

// raceEnabled: the tests run with the race detector.
const raceEnabled = true

// slowness is how many times longer responders take with it.
const slowness = 3
