// Writing snapshots: whole, one at a time, and not too often.

package postgres

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"pagemap/mapping"
)

// saver writes a follower's snapshots, in the background.
type saver struct {
	file   string // "": none is written
	schema string
	every  time.Duration
	logger *slog.Logger

	saved   position   // of the last snapshot that was written, or found
	begun   time.Time  // when the last one was begun
	writing chan error // tells how the one being written ended; nil: none is
	next    position   // of the one being written
}

// save writes a snapshot where the last one is older than the table, and begun
// long enough ago. With end it is written in any case, and waited for.
func (s *saver) save(at position, table *mapping.Table, end bool) {
	if s.file == "" || table == nil {
		return
	}
	s.reap(end)
	if s.writing != nil || at == s.saved || !end && time.Since(s.begun) < s.every {
		return
	}
	s.next, s.begun, s.writing = at, time.Now(), make(chan error, 1)
	go func(done chan<- error) { done <- saveSnapshot(s.file, s.schema, at, table) }(s.writing)
	s.reap(end)
}

// reap looks how the snapshot being written ended; with wait it waits for it.
func (s *saver) reap(wait bool) {
	if s.writing == nil {
		return
	}
	var err error
	if wait {
		err = <-s.writing
	} else {
		select {
		case err = <-s.writing:
		default:
			return
		}
	}
	s.writing = nil
	if err != nil {
		s.logger.Error("snapshot not written", "error", err)
		return
	}
	s.saved = s.next
}

// saveSnapshot replaces the file with a snapshot, unless it is this one
// already: responders on one machine share it. Whoever writes holds a lock, and
// the others leave it to him.
func saveSnapshot(name, schema string, at position, table *mapping.Table) (err error) {
	if fileHolds(name, schema, at) {
		return nil
	}
	f, err := lockTemporary(name + ".new")
	if f == nil || err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("postgres: snapshot: %w", closed)
		}
	}()
	err = errors.Join(f.Truncate(0), writeSnapshot(f, schema, at, table), f.Sync(), f.Chmod(0o640))
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("postgres: snapshot %s: %w", name, err)
	}
	return nil
}

// fileHolds reports whether the file is a snapshot of this position.
func fileHolds(name, schema string, at position) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was read only
	b, err := io.ReadAll(io.LimitReader(f, maxSnapshotHead))
	if err != nil {
		return false
	}
	h, _, err := parseHead(b)
	return err == nil && h.Schema == schema && h.position == at
}

// lockTemporary opens and locks the file that becomes a snapshot; nil without
// an error where another process holds it.
func lockTemporary(name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o640)
		if err != nil {
			return nil, fmt.Errorf("postgres: snapshot: %w", err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			// The one who held it may have renamed it meanwhile: then it is the snapshot.
			mine, err1 := f.Stat()
			there, err2 := os.Lstat(name)
			if err1 == nil && err2 == nil && os.SameFile(mine, there) {
				return f, nil
			}
		}
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("postgres: snapshot: lock %s: %w", name, err)
		}
	}
}

// syncDir makes a rename in a directory last.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
