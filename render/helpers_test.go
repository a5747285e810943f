// What the tests of this package share.

package render

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// settled is a modification time that is trusted.
var settled = time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)

// newFiles returns the source of a new, empty tree, and its directory.
func newFiles(tb testing.TB, o FileOptions) (*Files, string) {
	tb.Helper()
	dir := tb.TempDir()
	tr, err := tree.Open(dir, tree.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { tr.Close() })
	return NewFiles(tr, mapping.DefaultTypes(), o), dir
}

// write writes a file in place and sets its modification time.
func write(tb testing.TB, modified time.Time, content string, name ...string) {
	tb.Helper()
	file := filepath.Join(name...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chtimes(file, modified, modified); err != nil {
		tb.Fatal(err)
	}
}
