// A file tree of names alone, for the resolver's tests.

package mapping

import (
	"slices"
	"strings"
)

// names is a tree: the keys of its files.
type names struct {
	files []Path
	index []string
}

func (n names) Lookup(p Path, fold bool) FileEntry {
	stem := strings.TrimSuffix(string(p), "/")
	if slices.Contains(n.files, Path(stem)) {
		return FileEntry{Kind: RegularFile}
	}
	entry := FileEntry{}
	for _, f := range n.files {
		if strings.HasPrefix(string(f), stem+"/") {
			entry.Kind = Directory
		}
	}
	if entry.Kind == Directory {
		for _, name := range n.index {
			if slices.Contains(n.files, Path(stem+"/"+name)) {
				entry.Index = name
				break
			}
		}
	}
	if !fold || entry.Index != "" {
		return entry
	}
	add := func(p Path) {
		if !slices.Contains(entry.Folded, p) {
			entry.Folded = append(entry.Folded, p)
		}
	}
	for _, f := range n.files {
		if strings.EqualFold(string(f), stem) {
			add(f)
		}
		slash := strings.LastIndexByte(string(f), '/')
		if dir := f[:slash]; strings.EqualFold(string(dir), stem) && n.Lookup(dir, false).Index != "" {
			add(dir + "/")
		}
	}
	return entry
}
