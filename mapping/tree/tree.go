// Tree: the file tree, its files' facts and contents.

package tree

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

// Options of Open.
type Options struct {
	IndexNames []string // names that a directory's URL stands for, best first; none: index.html, index.htm
}

// Bounds of what is remembered of the tree.
const (
	maxDirs     = 16 << 10 // directories known
	maxListings = 64 << 20 // bytes of directory listings
)

// Tree is an open file tree. It is safe for concurrent use.
type Tree struct {
	root       string // absolute
	indexNames []string
	now        func() time.Time
	dirs       *otter.Cache[string, *dir]
	listings   *otter.Cache[listingKey, listing]
}

// Open opens the tree rooted at dir, which must be a directory.
func Open(dirname string, o Options) (*Tree, error) {
	root, err := filepath.Abs(dirname)
	if err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	fi, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	if !fi.IsDir() {
		return nil, fmt.Errorf("tree: %s is not a directory", root)
	}
	if len(o.IndexNames) == 0 {
		o.IndexNames = []string{"index.html", "index.htm"}
	}
	t := &Tree{root: root, indexNames: o.IndexNames, now: time.Now}
	if t.dirs, err = otter.New(&otter.Options[string, *dir]{MaximumSize: maxDirs}); err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	t.listings, err = otter.New(&otter.Options[listingKey, listing]{
		MaximumWeight: maxListings,
		Weigher:       func(_ listingKey, l listing) uint32 { return l.bytes() },
	})
	if err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	return t, nil
}

// Close ends the background work of the tree's caches.
func (t *Tree) Close() error {
	t.dirs.StopAllGoroutines()
	t.listings.StopAllGoroutines()
	return nil
}

// Info is what Stat tells of a file.
type Info struct {
	Size     int64
	Modified time.Time
	Path     mapping.Path // where the file really is once symlinks are resolved
}

// Stat tells of the file at p. It does not try whether the file can be read.
// ErrNotServed; another error is the disk's.
func (t *Tree) Stat(p mapping.Path) (Info, error) {
	f, err := t.file(p)
	if err != nil {
		return Info{}, err
	}
	return f.info(p), nil
}

// OpenFile opens the file at p for reading. The Info is that of the open file.
// ErrNotServed; another error is the disk's.
func (t *Tree) OpenFile(p mapping.Path) (*os.File, Info, error) {
	f, err := t.file(p)
	if err != nil {
		return nil, Info{}, err
	}
	file, err := t.open(f.real, 0)
	if err != nil {
		return nil, Info{}, fmt.Errorf("tree: open %s: %w", p, refuse(err))
	}
	err = retry(func() error { return unix.Fstat(int(file.Fd()), &f.stat) })
	if err == nil && f.mode() != unix.S_IFREG {
		err = notRegular
	}
	if err != nil {
		file.Close()
		return nil, Info{}, fmt.Errorf("tree: open %s: %w", p, err)
	}
	return file, f.info(p), nil
}

// file finds the regular file at p.
func (t *Tree) file(p mapping.Path) (found, error) {
	name, ok := p.FileName()
	if !ok || p[len(p)-1] == '/' {
		return found{}, missing
	}
	f, err := t.find(name)
	switch {
	case err != nil:
		return found{}, err
	case f.mode() == unix.S_IFDIR:
		return found{}, &Refusal{Reason: IsDirectory}
	}
	return f, nil
}

// found is something that is served: a regular file or a directory.
type found struct {
	name string // as it was asked
	real string // symlinks resolved
	stat unix.Stat_t
}

func (f *found) mode() uint32 { return f.stat.Mode & unix.S_IFMT }

// info is what is known of the file, which was asked for as p.
func (f *found) info(p mapping.Path) Info {
	if f.real != f.name {
		p = mapping.PathOfFile(f.real)
	}
	return Info{Size: f.stat.Size, Modified: time.Unix(f.stat.Mtim.Unix()), Path: p}
}

// find finds the file or directory of this name. Where nothing is found it looks
// again with fresh knowledge if what it knew may be to blame: a symlink or a directory
// on the way that was switched within the last second.
func (t *Tree) find(name string) (found, error) {
	if path.Clean(name) != name || !filepath.IsLocal(name) {
		return found{}, missing
	}
	parent := path.Dir(name)
	d, err := t.dir(parent, 0)
	if err != nil {
		return found{}, err
	}
	f, err := t.findIn(d, name)
	if err == nil || d.real == parent || reasonOf(err) != Missing {
		return f, err
	}
	t.forget(parent)
	if d, err = t.dir(parent, 0); err != nil {
		return found{}, err
	}
	return t.findIn(d, name)
}

// findIn finds name in d, its directory.
func (t *Tree) findIn(d *dir, name string) (found, error) {
	if d.refusal != nil {
		return found{}, d.refusal
	}
	base := path.Base(name)
	at, err := t.place(d, base, 0)
	if err != nil {
		return found{}, err
	}
	f := found{name: name, real: at.real, stat: at.stat}
	if err := t.served(d, base, name, f.mode()); err != nil {
		return found{}, err
	}
	if at.linked {
		if at.dir.refusal != nil {
			return found{}, at.dir.refusal
		}
		if mapping.PathOfFile(at.real) == "" {
			return found{}, unaddressable
		}
		if err := t.served(at.dir, path.Base(at.real), at.real, f.mode()); err != nil {
			return found{}, err
		}
	}
	return f, nil
}

// served says why something of this type and name in d is not served, or nil.
func (t *Tree) served(d *dir, base, name string, mode uint32) error {
	switch mode {
	case unix.S_IFREG:
		if why := mapping.Denied(name); why != "" {
			return &Refusal{Reason: Reason(why)}
		}
		if r := d.restriction(base); r != nil {
			return r
		}
	case unix.S_IFDIR:
		if why := deniedInside(name); why != "" {
			return &Refusal{Reason: Reason(why)}
		}
	default:
		return notRegular
	}
	return nil
}

// deniedInside says why no name inside a directory is served, or "".
func deniedInside(dirname string) string {
	if dirname == "." {
		return ""
	}
	return mapping.Denied(dirname + "/a")
}
