//go:build race

package apache_test

// raceEnabled: the tests run with the race detector.
const raceEnabled = true
