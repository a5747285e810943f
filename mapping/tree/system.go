// System calls on names below the root.

package tree

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// abs is the system's name for name.
func (t *Tree) abs(name string) string { return t.root + "/" + name }

// lstat looks at name, which it does not follow.
func (t *Tree) lstat(name string, st *unix.Stat_t) error {
	path := t.abs(name)
	return retry(func() error { return unix.Lstat(path, st) })
}

// readable reports whether this process may read name, which is real. To root
// everything is readable.
func (t *Tree) readable(real string) bool {
	path := t.abs(real)
	return retry(func() error {
		return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS)
	}) == nil
}

// open opens a real name for reading. It follows no symlink below the root, does
// not block, and fails with ENOTDIR or ELOOP where a component has become a symlink.
func (t *Tree) open(real string, flags int) (*os.File, error) {
	const traverse = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	at, err := openat(unix.AT_FDCWD, t.root, traverse)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: t.root, Err: err}
	}
	rest := real
	for {
		name, below, more := strings.Cut(rest, "/")
		how := flags | unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOFOLLOW | unix.O_CLOEXEC
		if more {
			how = traverse | unix.O_NOFOLLOW
		}
		fd, err := openat(at, name, how)
		unix.Close(at)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: t.abs(real), Err: err}
		}
		if !more {
			return os.NewFile(uintptr(fd), t.abs(real)), nil
		}
		at, rest = fd, below
	}
}

// openat is unix.Openat that is not interrupted.
func openat(at int, name string, flags int) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(at, name, flags, 0)
		return err
	})
	return fd, err
}

// retry calls f again while a signal interrupts it.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
