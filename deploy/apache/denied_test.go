package apache_test

import (
	"io/fs"
	"strings"
	"testing"

	"pagemap/deploy/apache"
	"pagemap/mapping"
)

// The names that /data refuses are written in a file that Apache reads, and in
// the code that the responder runs: they must be the same.
func TestDeniedNamesAreMappings(t *testing.T) {
	data, err := fs.ReadFile(apache.Files, "pagemap-data.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := `RedirectMatch 404 "^/data(?=/)(?s:.*)` + mapping.DeniedPattern() + `"`
	for line := range strings.Lines(string(data)) {
		if strings.TrimSpace(line) == want {
			return
		}
	}
	t.Errorf("pagemap-data.conf has no line\n%s", want)
}
