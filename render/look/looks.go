// Looks: the directory of layouts, followed as it changes.

package look

import (
	"bytes"
	_ "embed" // the plain layout
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pagemap/mapping"
)

// When the directory is looked at again, and how much of it.
const (
	lookAfter  = 500 * time.Millisecond // by whoever asks for a layout, while others go on with what is known
	lookAtOnce = time.Second            // by everybody
	settleTime = 2 * time.Second        // how long the time of a changed file may stay the same
	maxEntries = 2000                   // files and directories
)

// layoutName is what files with layouts are called, language and charset aside.
const layoutName = "layout.html"

//go:embed plain.html
var plainHTML []byte

// Looks is an open directory of layouts. It is safe for concurrent use.
type Looks struct {
	dir   string
	log   *slog.Logger
	now   func() time.Time
	plain *Layout
	found atomic.Pointer[listing]
	mu    sync.Mutex // held by who looks at the directory
}

// listing is what the directory held at some time.
type listing struct {
	at    time.Time
	files map[string]file // by name below the directory, "/" as separator
	err   string          // why the directory could not be read, "" where it could
}

// file is a file with a layout.
type file struct {
	size     int64
	modified time.Time
	settled  bool // a change would have shown in size or time
	sum      []byte
	layout   *Layout   // the last good one, nil for none
	drawn    time.Time // when the file with that layout was modified
	err      error     // what is wrong with the present one
}

// Open opens a directory of layouts. "" is one without any. A broken layout is logged, and no error.
func Open(dir string, logger *slog.Logger) (*Looks, error) {
	plain, err := Parse("the plain layout", plainHTML)
	if err != nil {
		return nil, err
	}
	l := &Looks{dir: dir, log: logger, now: time.Now, plain: plain}
	first := l.read(listing{}, l.now())
	if first.err != "" {
		return nil, fmt.Errorf("look: %s", first.err)
	}
	l.found.Store(&first)
	return l, nil
}

// For returns the layout for a page, and when its file was modified; that is zero for the plain one.
func (l *Looks) For(p mapping.Path) (*Layout, time.Time) {
	name, ok := p.FileName()
	if !ok {
		name = ""
	}
	dir, base := path.Split(name)
	if strings.HasSuffix(string(p), "/") {
		dir, base = name+"/", ""
	}
	files := l.look().files
	suffix := suffixOf(base)
	for dir = strings.TrimPrefix(path.Clean("/"+dir), "/"); ; dir = strings.TrimSuffix(parent(dir), "/") {
		for _, suffix := range []string{suffix, ""} {
			if f := files[path.Join(dir, layoutName+suffix)]; f.layout != nil {
				return f.layout, f.drawn
			}
		}
		if dir == "" {
			return l.plain, time.Time{}
		}
	}
}

func parent(dir string) string { return dir[:strings.LastIndexByte(dir, '/')+1] }

// suffixOf is what follows ".html" or ".htm" in a name: ".ko.euc-kr" of "core.html.ko.euc-kr".
func suffixOf(base string) string {
	for _, extension := range []string{".html.", ".htm."} {
		if i := strings.LastIndex(base, extension); i >= 0 {
			return base[i+len(extension)-1:]
		}
	}
	return ""
}

// Check looks at the directory now and returns what is wrong in it: an ErrLayout for each broken
// layout, or why it cannot be read. n is the number of layouts, broken ones included.
func (l *Looks) Check() (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.read(*l.found.Load(), l.now())
	l.found.Store(&now)
	if now.err != "" {
		return len(now.files), fmt.Errorf("look: %s", now.err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(now.files)) {
		errs = append(errs, now.files[name].err)
	}
	return len(now.files), errors.Join(errs...)
}

// look returns what the directory holds, as it was a second ago or later.
func (l *Looks) look() *listing {
	known := l.found.Load()
	age := l.now().Sub(known.at)
	switch {
	case l.dir == "" || age >= 0 && age < lookAfter:
		return known
	case age >= lookAtOnce || age < 0:
		l.mu.Lock()
	case !l.mu.TryLock():
		return known
	}
	defer l.mu.Unlock()
	if current := l.found.Load(); current != known {
		return current
	}
	next := l.read(*known, l.now())
	l.found.Store(&next)
	return &next
}

// read looks at the directory. Of what was known it keeps what has not changed, and all of it if the directory cannot be read.
func (l *Looks) read(known listing, now time.Time) listing {
	next := listing{at: now, files: map[string]file{}}
	if l.dir == "" {
		return next
	}
	root := os.DirFS(l.dir)
	entries := 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("more than %d files: is this a directory of layouts?", maxEntries)
		}
		base := path.Base(name)
		if d.IsDir() || base != layoutName && !strings.HasPrefix(base, layoutName+".") || strings.HasSuffix(base, "~") {
			return nil
		}
		info, err := fs.Stat(root, name) // of what a symlink leads to
		switch {
		case errors.Is(err, fs.ErrNotExist): // it is gone again
		case err != nil:
			next.files[name] = l.unread(name, known.files[name], err)
		case info.Mode().IsRegular():
			next.files[name] = l.readFile(root, name, known.files[name], info, now)
		}
		return nil
	})
	if err != nil {
		next.files, next.err = known.files, fmt.Sprintf("directory of layouts %s: %v", l.dir, err)
		if next.err != known.err {
			l.log.Error("the directory of layouts cannot be read; what was read before stays", "directory", l.dir, "error", err)
		}
	}
	return next
}

// readFile reads a layout, if it may have changed.
func (l *Looks) readFile(root fs.FS, name string, known file, info fs.FileInfo, now time.Time) file {
	if known.settled && info.Size() == known.size && info.ModTime().Equal(known.modified) {
		return known
	}
	text, err := readAll(root, name)
	if err != nil {
		return l.unread(name, known, err)
	}
	f := known
	f.size, f.modified = info.Size(), info.ModTime()
	age := now.Sub(f.modified)
	f.settled = age < -settleTime || age > settleTime
	if sum := hash(text); !bytes.Equal(sum, known.sum) {
		f.sum = sum
		layout, err := Parse(path.Join(l.dir, name), text)
		if err != nil {
			return l.refuse(name, f, err)
		}
		f.layout, f.err = layout, nil
	}
	if f.err == nil {
		f.drawn = f.modified
	}
	return f
}

// unread notes that a file cannot be read.
func (l *Looks) unread(name string, f file, err error) file {
	f.sum, f.settled = nil, false
	return l.refuse(name, f, &Error{path.Join(l.dir, name), 1, 1, err.Error(), err})
}

// refuse notes that a file cannot be used, and logs it if that is new.
func (l *Looks) refuse(name string, f file, err error) file {
	if f.err == nil || f.err.Error() != err.Error() {
		what := "layout refused; another one stands in for it"
		if f.layout != nil {
			what = "layout refused; the last good one stays"
		}
		l.log.Error(what, "file", path.Join(l.dir, name), "error", err)
	}
	f.err = err
	return f
}

// readAll reads a file, and no more of it than Parse takes and one byte.
func readAll(root fs.FS, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxLayout+1))
}
