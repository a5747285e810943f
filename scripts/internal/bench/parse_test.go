// What the tests of parsers share.

package main

import (
	"errors"
	"testing"
)

// reading is a text that a parser reads.
type reading[T comparable] struct {
	name string
	text string
	want T
	err  error
}

// check reads all of them.
func check[T comparable](t *testing.T, parse func(string) (T, error), readings []reading[T]) {
	t.Helper()
	for _, r := range readings {
		t.Run(r.name, func(t *testing.T) {
			got, err := parse(r.text)
			if got != r.want || !errors.Is(err, r.err) {
				t.Errorf("%+v, %v; want %+v, %v", got, err, r.want, r.err)
			}
		})
	}
}
