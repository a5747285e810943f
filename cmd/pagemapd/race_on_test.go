// Times under the race detector.

//go:build race

package main

// slowness is how much longer heavy work takes than without the race detector.
const slowness = 6
