package main

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " 4242 5 5 0 -1 4194560 100 200 0 0 7 3 11 12 20 0 1 0 999 1000000 100"
	check(t, parseStat, []reading[stat]{
		{name: "plain", text: "17 (apache2) S" + rest, want: stat{4242, 100 * time.Millisecond}},
		{name: "brackets and spaces in the name", text: "17 (a) S 1 (b) S" + rest, want: stat{4242, 100 * time.Millisecond}},
		{name: "empty", err: errStat},
		{name: "cut short", text: "17 (x) S 1 2 3", err: errStat},
		{name: "no number", text: "17 (x) S x 5 5 0 -1 4194560 100 200 0 0 7 3 11", err: errStat},
		{name: "negative time", text: "17 (x) S 1 5 5 0 -1 4194560 100 200 0 0 -7 3 11", err: errStat},
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add("17 (a) S 4242 5 5 0 -1 4194560 100 200 0 0 7 3 11 12 20")
	f.Add("17 )")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseStat(text); err != nil && !errors.Is(err, errStat) {
			t.Error(err)
		}
	})
}

func TestFamily(t *testing.T) {
	ps := processes{
		1: {}, 10: {1, 1}, 11: {10, 2}, 12: {11, 4}, 20: {1, 8}, 21: {20, 16},
		30: {31, 0}, 31: {30, 0}, // read while they changed: a ring
	}
	family := ps.family(10)
	slices.Sort(family)
	if want := []int{10, 11, 12}; !slices.Equal(family, want) {
		t.Errorf("%v, want %v", family, want)
	}
	if got := ps.cpu(10); got != 7 {
		t.Errorf("%d, want 7", got)
	}
	if got := ps.cpu(99); got != 0 {
		t.Errorf("%d of a process that is not there", got)
	}
}

// The time that this test burns is found.
func TestOwnTime(t *testing.T) {
	used := func() time.Duration {
		ps, err := readProcesses()
		if err != nil {
			t.Fatal(err)
		}
		return ps.cpu(os.Getpid())
	}
	for start, limit := used(), time.Now().Add(time.Minute); used() == start; {
		if time.Now().After(limit) {
			t.Fatal("a minute of work took no time")
		}
	}
}
