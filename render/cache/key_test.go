package cache

import (
	"strings"
	"testing"
)

func TestKeyOf(t *testing.T) {
	long := strings.Repeat("x", 3000)
	lists := [][]string{
		nil, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"b", "a"},
		{"\x01a"}, {"a\x01b"}, {long}, {long, ""}, {long[:1500], long[1500:]},
	}
	seen := make(map[Key][]string)
	for _, in := range lists {
		k := KeyOf(in...)
		if other, ok := seen[k]; ok {
			t.Errorf("%.20q and %.20q have one key", in, other)
		}
		seen[k] = in
		if k != KeyOf(in...) {
			t.Errorf("%.20q has two keys", in)
		}
	}
}

// TestKeyFormat pins the key: another one empties every pool's memcached, and needs another
// formatVersion. The hash is that of the bytes 02 01 61 02 62 63.
func TestKeyFormat(t *testing.T) {
	const want = "VpKLPfv2g4vsFjgeTukofNWmvKAxcdy5HS7joO1lOkQ"
	if got := KeyOf("a", "bc").String(); got != want {
		t.Errorf("KeyOf = %s, want %s", got, want)
	}
}

func TestKeyAllocs(t *testing.T) {
	in := usualInputs()
	if n := testing.AllocsPerRun(100, func() { KeyOf(in...) }); n != 0 {
		t.Errorf("KeyOf allocates %v times", n)
	}
}
