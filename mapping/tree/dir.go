// dir: what is known of a directory, and how symlinks are resolved.

package tree

import (
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/mapping"
)

const (
	recheck     = 250 * time.Millisecond // how long a directory's facts are trusted
	settle      = 2 * time.Second        // an mtime younger than this may stay while the content changes
	maxHops     = 40                     // symlinks followed, as in Linux
	maxHtaccess = 1 << 20                // bytes of an .htaccess that is read
)

// dir is what is known of a directory under one of its names. It is immutable
// but for the time it was checked, and its listing's key, which is found out when it is first needed.
type dir struct {
	real    string   // the directory's name with symlinks resolved; "." is the root
	refusal *Refusal // why nothing inside is served, or nil
	rules   []rule   // what is restricted in it and below, by its own .htaccess and those above
	own     *config  // its own .htaccess, nil if there is none
	checked atomic.Int64
	listed  atomic.Pointer[listingKey] // nil: not listed yet
}

// config is an .htaccess, read.
type config struct {
	stamp    stamp
	htaccess Htaccess
	rules    []rule
}

// stamp tells one state of a file from another.
type stamp struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// restriction is the rule that restricts the file of this base name, or nil.
func (d *dir) restriction(base string) *Refusal {
	for i := range d.rules {
		if d.rules[i].match(base) {
			return d.rules[i].refusal
		}
	}
	return nil
}

// dir returns what is known of the directory name, followed through symlinks;
// hops counts those followed already. An error where it is no directory.
func (t *Tree) dir(name string, hops int) (*dir, error) {
	now := t.now()
	known, ok := t.dirs.GetIfPresent(name)
	if ok {
		if age := now.UnixNano() - known.checked.Load(); age >= 0 && age < int64(recheck) {
			return known, nil
		}
	}
	d, err := t.load(name, known, now, hops)
	if err != nil {
		if ok {
			t.dirs.Invalidate(name)
		}
		return nil, err
	}
	d.checked.Store(now.UnixNano())
	t.dirs.Set(name, d)
	return d, nil
}

// forget forgets the directory and those above it.
func (t *Tree) forget(name string) {
	for ; name != "."; name = path.Dir(name) {
		t.dirs.Invalidate(name)
	}
}

// load finds out about a directory; known is what was known of it, or nil.
func (t *Tree) load(name string, known *dir, now time.Time, hops int) (*dir, error) {
	var d *dir
	if name == "." {
		d = &dir{real: "."}
	} else {
		parent, err := t.dir(path.Dir(name), hops)
		if err != nil {
			return nil, err
		}
		if parent.refusal != nil {
			return &dir{real: name, refusal: parent.refusal}, nil
		}
		if why := deniedInside(name); why != "" {
			return &dir{real: name, refusal: &Refusal{Reason: Reason(why)}}, nil
		}
		at, err := t.place(parent, path.Base(name), hops)
		if err != nil {
			return nil, err
		}
		if at.stat.Mode&unix.S_IFMT != unix.S_IFDIR {
			return nil, missing
		}
		d = &dir{real: at.real, rules: parent.rules}
		if at.linked {
			target, err := t.dir(at.real, hops)
			if err != nil {
				return nil, err
			}
			d.refusal = target.refusal
			d.rules = joinRules(parent.rules, target.rules)
			return d, nil
		}
	}
	var before *config
	if known != nil {
		before = known.own
	}
	own, refusal := t.readConfig(d.real, before, now)
	d.own, d.refusal = own, refusal
	if own != nil {
		d.rules = joinRules(d.rules, own.rules)
		for _, r := range own.rules {
			if r.all {
				d.refusal = r.refusal
			}
		}
	}
	return d, nil
}

// joinRules is a and b in a slice that neither shares.
func joinRules(a, b []rule) []rule {
	if len(b) == 0 {
		return a
	}
	return append(a[:len(a):len(a)], b...)
}

// readConfig reads the .htaccess of the directory real, unless known is of its present state.
// It is the one file that is followed out of the tree: Apache does so, and nobody is shown it.
func (t *Tree) readConfig(real string, known *config, now time.Time) (*config, *Refusal) {
	name := t.abs(real) + "/.htaccess"
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(name, &st) })
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if errors.Is(err, unix.EACCES) {
		return nil, notReadable // the directory
	}
	unreadable := &Refusal{Reason: Unreadable, Detail: path.Join("/", real, ".htaccess")}
	if err != nil {
		return nil, unreadable
	}
	is := stamp{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
	if known != nil && known.stamp == is {
		return known, nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > maxHtaccess {
		return nil, unreadable
	}
	text, err := io.ReadAll(io.LimitReader(f, maxHtaccess))
	if err != nil {
		return nil, unreadable
	}
	c := &config{htaccess: ParseHtaccess(directoryPath(real), text)}
	if now.Sub(time.Unix(st.Ctim.Unix())) > settle {
		c.stamp = is
	}
	for _, r := range c.htaccess.Restrictions {
		c.rules = append(c.rules, r.rule())
	}
	return c, nil
}

// directoryPath is the key of a directory, with its slash; "" where no URL can spell it.
func directoryPath(name string) mapping.Path {
	p := mapping.PathOfFile(name)
	if p == "" || p == "/" {
		return p
	}
	return p + "/"
}

// place is where a name leads: something that is no symlink.
type place struct {
	real   string
	stat   unix.Stat_t
	linked bool // reached through a symlink
	dir    *dir // if linked: the real directory it is in (the root's is the root)
}

// place resolves the name base in d.
func (t *Tree) place(d *dir, base string, hops int) (place, error) {
	at := place{real: path.Join(d.real, base)}
	if err := t.lstat(at.real, &at.stat); err != nil {
		return place{}, refuse(err)
	}
	if at.stat.Mode&unix.S_IFMT != unix.S_IFLNK {
		return at, nil
	}
	if hops == maxHops {
		return place{}, &Refusal{Reason: LinkLoop}
	}
	target, err := os.Readlink(t.abs(at.real))
	if err != nil {
		return place{}, refuse(err)
	}
	if at, err = t.follow(d, target, hops+1); reasonOf(err) == Missing {
		return place{}, &Refusal{Reason: LinkBroken, Detail: target}
	}
	return at, err
}

// follow resolves a symlink's target, seen from d.
func (t *Tree) follow(d *dir, target string, hops int) (place, error) {
	out := &Refusal{Reason: LinkOut, Detail: target}
	if strings.HasPrefix(target, "/") {
		return place{}, out
	}
	parts := strings.FieldsFunc(target, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		var err error
		switch {
		case part == ".":
		case part == ".." && d.real == ".":
			return place{}, out
		case part == "..":
			d, err = t.dir(path.Dir(d.real), hops)
		case i == len(parts)-1 && !strings.HasSuffix(target, "/"):
			at, err := t.place(d, part, hops)
			if err == nil && !at.linked {
				at.linked, at.dir = true, d
			}
			return at, err
		default:
			d, err = t.dir(path.Join(d.real, part), hops)
		}
		if err != nil {
			return place{}, err
		}
	}
	at := place{real: d.real, linked: true, dir: d}
	if err := t.lstat(at.real, &at.stat); err != nil {
		return place{}, refuse(err)
	}
	return at, nil
}
