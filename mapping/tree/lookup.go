// Lookup: what the tree has at a path, also with the case of letters ignored.

package tree

import (
	"context"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

// maxFolded is the number of spellings of a directory that are followed, and of a
// file that are told. More than one is ambiguous already.
const maxFolded = 8

var _ mapping.Files = (*Tree)(nil)

// Lookup implements mapping.Files. A name that is there and refused is NoFile
// with its reason. With fold, names that differ in the case of ASCII letters alone
// are looked for where nothing at all is found at p, or a directory without an index.
func (t *Tree) Lookup(p mapping.Path, fold bool) mapping.FileEntry {
	name, ok := p.FileName()
	if !ok {
		return mapping.FileEntry{}
	}
	f, err := t.find(name)
	switch {
	case err == nil && f.mode() == unix.S_IFDIR:
		if d, err := t.dir(name, 0); err != nil {
			return mapping.FileEntry{Reason: err.Error()}
		} else if d.refusal != nil {
			return mapping.FileEntry{Reason: d.refusal.Error()}
		}
		entry := mapping.FileEntry{Kind: mapping.Directory, Index: t.index(name)}
		if fold && entry.Index == "" {
			entry.Folded = t.folded(name)
		}
		return entry
	case err == nil:
		if !t.readable(f.real) {
			return mapping.FileEntry{Reason: notReadable.Error()}
		}
		return mapping.FileEntry{Kind: mapping.RegularFile}
	case reasonOf(err) != Missing:
		return mapping.FileEntry{Reason: err.Error()}
	}
	if !fold {
		return mapping.FileEntry{}
	}
	return mapping.FileEntry{Folded: t.folded(name)}
}

// index is the name of the directory's index file, "" if it has none that is served.
func (t *Tree) index(dirname string) string {
	for _, name := range t.indexNames {
		f, err := t.find(path.Join(dirname, name))
		if err == nil && f.mode() == unix.S_IFREG && t.readable(f.real) {
			return name
		}
	}
	return ""
}

// folded finds what is served under the name with the case of ASCII letters ignored.
func (t *Tree) folded(name string) []mapping.Path {
	parts := strings.Split(name, "/")
	dirs := []string{"."}
	for i, part := range parts {
		var next []string
		for _, in := range dirs {
			next = append(next, t.matches(in, part)...)
		}
		if i == len(parts)-1 {
			return t.servedOf(next)
		}
		dirs = next[:min(len(next), maxFolded)]
	}
	return nil
}

// matches lists the names in a directory that equal base with case ignored.
func (t *Tree) matches(in, base string) []string {
	d, err := t.dir(in, 0)
	if err != nil || d.refusal != nil {
		return nil
	}
	var names []string
	for _, found := range t.list(d).equal(base) {
		names = append(names, path.Join(in, found))
	}
	return names
}

// servedOf are the paths of those names that are served: files, and directories with an index.
func (t *Tree) servedOf(names []string) []mapping.Path {
	var paths []mapping.Path
	for _, name := range names {
		if len(paths) == maxFolded {
			break
		}
		f, err := t.find(name)
		switch {
		case err != nil:
		case f.mode() == unix.S_IFDIR:
			if t.index(name) != "" {
				paths = append(paths, directoryPath(name))
			}
		case t.readable(f.real):
			paths = append(paths, mapping.PathOfFile(name))
		}
	}
	return paths
}

// listing is a directory's names in the order of foldCompare.
type listing []string

// listingKey names a state of a directory. A directory changed less than settle
// ago may change again without a new mtime: its listing is good for half a second.
type listingKey struct {
	dev, ino uint64
	mtime    unix.Timespec
	halves   int64 // seconds since 1970, times two; 0 once the mtime has settled
}

// list returns the names in a directory, none where it cannot be read.
func (t *Tree) list(d *dir) listing {
	key := d.listed.Load()
	if key == nil {
		var st unix.Stat_t
		if t.lstat(d.real, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return nil
		}
		key = &listingKey{dev: st.Dev, ino: st.Ino, mtime: st.Mtim}
		if now := t.now(); now.Sub(time.Unix(st.Mtim.Unix())) < settle {
			key.halves = now.UnixMilli() / 500
		}
		d.listed.Store(key)
	}
	l, err := t.listings.Get(context.Background(), *key, otter.LoaderFunc[listingKey, listing](
		func(context.Context, listingKey) (listing, error) { return t.readListing(d.real) }))
	if err != nil {
		return nil
	}
	return l
}

func (t *Tree) readListing(real string) (listing, error) {
	f, err := t.open(real, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, foldCompare)
	return names, nil
}

// equal are the names that equal base with case ignored.
func (l listing) equal(base string) []string {
	from, _ := slices.BinarySearchFunc(l, base, foldCompare)
	to := from
	for to < len(l) && foldCompare(l[to], base) == 0 {
		to++
	}
	return l[from:to]
}

// bytes is about what the listing takes in memory.
func (l listing) bytes() uint32 {
	n := 64
	for _, name := range l {
		n += 16 + len(name)
	}
	return uint32(min(n, math.MaxUint32))
}

// foldCompare compares by bytes with ASCII letters in lower case.
func foldCompare(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
