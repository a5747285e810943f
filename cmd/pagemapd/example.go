// The example site, for a first look without any setting.

package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pagemap/cmd/internal/config"
)

// example holds the tree "site" and its mapping file, a wiki and its layout.
//
//go:embed example
var example embed.FS

// useExample writes the example site into a directory and sets it as tree,
// mapping, wiki and looks, unless there is another wiki. remove removes the directory.
func useExample(s *config.Settings) (remove func(), err error) {
	dir, err := os.MkdirTemp("", "pagemap-example-")
	if err != nil {
		return nil, fmt.Errorf("example site: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	files, err := fs.Sub(example, "example")
	if err == nil {
		err = os.CopyFS(dir, files)
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("example site: %w", err)
	}
	s.Tree, s.Mapping = filepath.Join(dir, "site"), filepath.Join(dir, "mapping.csv")
	if s.Wiki == "" {
		s.Wiki, s.Looks = filepath.Join(dir, "wiki"), filepath.Join(dir, "looks")
	}
	return remove, nil
}
