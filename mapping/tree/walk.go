// Walk: the crawl of the tree.

package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

// Kind says what Walk met.
type Kind uint8

// The kinds of Item.
const (
	Served     Kind = iota // a file that is served
	Refused                // a file, or a directory with all it holds, that is not
	Configured             // an .htaccess
	LinkedDir              // a symlink to a directory of the tree: it answers, and is not walked into
	Ambiguous              // names in one directory that differ in the case of ASCII letters alone
)

// Item is one thing that Walk meets. Which fields are set depends on Kind.
type Item struct {
	Kind     Kind
	Name     string         // below the root, raw; of a directory with "/" at the end
	Path     mapping.Path   // the URL; "/" at the end for a directory and for its index; "" where no URL can spell the name
	File     mapping.Path   // Served: the file's own key, different from Path for an index
	Refusal  *Refusal       // Refused: why
	Htaccess Htaccess       // Configured
	Target   string         // LinkedDir: where the symlink leads, as it is written
	Spelling []mapping.Path // Ambiguous: the names, all of them served

	tree *Tree
	real string
}

// Info tells size, time and real path of a Served item. It costs a system call.
func (it *Item) Info() (Info, error) {
	f := found{name: it.real, real: it.real}
	if err := it.tree.lstat(it.real, &f.stat); err != nil {
		return Info{}, fmt.Errorf("tree: %s: %w", it.File, refuse(err))
	}
	return f.info(mapping.PathOfFile(it.real)), nil
}

// Walk visits the tree depth first, in the order of the names' bytes, holding no
// more than the listings of the directories on its way. A directory's index is
// visited once, under the directory's URL; .htaccess files come first in their
// directory, ambiguous names last. What cannot be read is a Refused item and does not end the
// walk; an unreadable root, an error of visit and the end of ctx do.
func (t *Tree) Walk(ctx context.Context, visit func(Item) error) error {
	f, err := t.open(".", unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	f.Close()
	w := walker{t: t, visit: func(it Item) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		it.tree = t
		return visit(it)
	}}
	return w.directory(".")
}

type walker struct {
	t     *Tree
	visit func(Item) error
}

// directory visits what is in a directory.
func (w *walker) directory(name string) error {
	d, err := w.t.dir(name, 0)
	if err != nil {
		return w.skipped(name, err)
	}
	at := visited{d: d, name: name}
	if d.own != nil {
		h := d.own.htaccess
		if len(h.Restrictions)+len(h.Directives) > 0 {
			if err := w.visit(Item{Kind: Configured, Name: at.join(".htaccess"), Path: h.Dir + ".htaccess", Htaccess: h}); err != nil {
				return err
			}
		}
	}
	if d.refusal != nil {
		return w.visit(Item{Kind: Refused, Name: name + "/", Path: directoryPath(name), Refusal: d.refusal})
	}
	entries, err := w.t.entries(name)
	if err != nil {
		if err := w.skipped(name, err); err != nil {
			return err
		}
	}
	at.index = w.index(&at, entries)
	for _, e := range entries {
		if err := w.entry(&at, e); err != nil {
			return err
		}
	}
	return w.ambiguous(&at)
}

// skipped visits a directory that cannot be read, and passes one over that has just gone.
func (w *walker) skipped(name string, err error) error {
	var r *Refusal
	switch err := refuse(err); {
	case !errors.As(err, &r):
		r = &Refusal{Reason: Unreadable, Detail: err.Error()}
	case r.Reason == Missing && name != ".":
		return nil
	}
	return w.visit(Item{Kind: Refused, Name: name + "/", Path: directoryPath(name), Refusal: r})
}

// entries lists a real directory in the order of the names. Beside an error it
// returns what could be read.
func (t *Tree) entries(real string) ([]fs.DirEntry, error) {
	f, err := t.open(real, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// visited is a directory during its visit.
type visited struct {
	d     *dir
	name  string
	index string   // name of its index file, or ""
	names []string // of what is served in it, directories included
}

// join is the name of something in the directory.
func (v *visited) join(base string) string {
	if v.name == "." {
		return base
	}
	return v.name + "/" + base
}

// index is the name of the first index file that is served.
func (w *walker) index(v *visited, entries []fs.DirEntry) string {
	for _, name := range w.t.indexNames {
		i, ok := slices.BinarySearchFunc(entries, name, func(e fs.DirEntry, name string) int {
			return strings.Compare(e.Name(), name)
		})
		if ok && !entries[i].IsDir() && w.item(v, entries[i]).Kind == Served {
			return name
		}
	}
	return ""
}

// entry visits one entry of a directory.
func (w *walker) entry(v *visited, e fs.DirEntry) error {
	if e.Name() == ".htaccess" {
		return nil
	}
	name := v.join(e.Name())
	if e.IsDir() && deniedInside(name) == "" && directoryPath(name) != "" {
		v.names = append(v.names, e.Name())
		return w.directory(name)
	}
	it := w.item(v, e)
	switch {
	case it.Kind == Refused && it.Refusal.Reason == Missing:
		return nil // removed meanwhile
	case it.Kind == Served && e.Name() == v.index:
		it.Path = directoryPath(v.name)
	}
	if it.Kind != Refused {
		v.names = append(v.names, e.Name())
	}
	return w.visit(it)
}

// item judges an entry that is no directory to be walked.
func (w *walker) item(v *visited, e fs.DirEntry) Item {
	name := v.join(e.Name())
	key := mapping.PathOfFile(name)
	it := Item{Name: name, Path: key, File: key, real: name}
	if e.IsDir() {
		it.Name, it.Path = name+"/", directoryPath(name)
	}
	err := w.judge(v, e, name, &it)
	if err == nil {
		return it
	}
	it.Kind = Refused
	if !errors.As(err, &it.Refusal) {
		it.Refusal = &Refusal{Reason: Unreadable, Detail: err.Error()}
	}
	return it
}

// judge says why the entry is not served, or fills in what else it is.
func (w *walker) judge(v *visited, e fs.DirEntry, name string, it *Item) error {
	if it.Path == "" {
		return unaddressable
	}
	switch e.Type() {
	case 0:
		if err := w.t.served(v.d, e.Name(), name, unix.S_IFREG); err != nil {
			return err
		}
	case fs.ModeDir:
		return &Refusal{Reason: Reason(deniedInside(name))}
	case fs.ModeSymlink:
		f, err := w.t.findIn(v.d, name)
		if err != nil {
			return err
		}
		it.real = f.real
		if f.mode() == unix.S_IFDIR {
			it.Kind, it.Name, it.Path = LinkedDir, name+"/", it.Path+"/"
			it.Target, err = os.Readlink(w.t.abs(name))
			return err
		}
	default:
		return notRegular
	}
	if !w.t.readable(it.real) {
		return notReadable
	}
	return nil
}

// ambiguous visits the groups of names that case alone tells apart.
func (w *walker) ambiguous(v *visited) error {
	slices.SortStableFunc(v.names, foldCompare)
	for len(v.names) > 1 {
		same := len(listing(v.names).equal(v.names[0]))
		if same > 1 {
			it := Item{Kind: Ambiguous, Name: v.name + "/", Path: directoryPath(v.name)}
			for _, name := range v.names[:same] {
				it.Spelling = append(it.Spelling, mapping.PathOfFile(path.Join(v.name, name)))
			}
			if err := w.visit(it); err != nil {
				return err
			}
		}
		v.names = v.names[same:]
	}
	return nil
}
