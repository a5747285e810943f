package postgres

import (
	"fmt"
	"testing"
)

func TestRarest(t *testing.T) {
	var paths []string
	for i := range 101 {
		paths = append(paths, fmt.Sprintf("/docs/section%d/page-%d.html", i%7, 9901*i))
	}
	for _, tt := range []struct{ text, want string }{
		{"page-123456", "-123456"}, {"PAGE-123456", "-123456"}, {"section3/intro", "3/intro"}, {"zebra-page", "zebra-pa"},
		{"page", ""}, {"page-1", ""}, {".html", ""}, {"zebra", ""}, {"ab", ""}, {"", ""}, {"page-é12345", ""}, {"pageİ-zebra", ""},
	} {
		if got := rarest(tt.text, paths); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := rarest("page-123456", paths[:9]); got != "" {
		t.Errorf("of nine paths: %q", got)
	}
}
