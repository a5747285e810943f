package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd, unsorted", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 2, 100}, 3},
	}
	for _, tt := range tests {
		if got := median(tt.values); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
	values := []float64{3, 1, 2}
	if median(values); values[0] != 3 {
		t.Error("the values were sorted in place")
	}
}

func TestPaired(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name string
		a, b []float64
		want ratio
		ok   bool
	}{
		{name: "median of quotients, not quotient of medians", a: []float64{10, 20, 90}, b: []float64{10, 10, 100}, want: ratio{1, 0.9, 2}, ok: true},
		{name: "rounds that lack one", a: []float64{nan, 4, 6}, b: []float64{1, nan, 3}, want: ratio{2, 2, 2}, ok: true},
		{name: "nothing answered", a: []float64{4, 6}, b: []float64{0, 3}, want: ratio{2, 2, 2}, ok: true},
		{name: "an unfinished round", a: []float64{4, 6}, b: []float64{2}, want: ratio{2, 2, 2}, ok: true},
		{name: "none", a: []float64{nan}, b: []float64{1}},
	}
	for _, tt := range tests {
		got, ok := paired(tt.a, tt.b)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: %v %v, want %v %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}
