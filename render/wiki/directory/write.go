// Writing pages.

package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/render"
	"pagemap/render/wiki"
)

// Syntax implements wiki.Writer.
func (w *Wiki) Syntax() wiki.Syntax { return wiki.Markdown }

// Source implements wiki.Writer.
func (w *Wiki) Source(ctx context.Context, name string) (text []byte, revision string, err error) {
	name, file, _, err := w.find(ctx, name)
	if err != nil {
		return nil, "", err
	}
	if file == name {
		return nil, "", fmt.Errorf("directory: page %q: %w: an attachment", name, render.ErrNotFound)
	}
	text, state, err := w.read(name, file)
	return text, state.Revision, err
}

// Write implements wiki.Writer.
func (w *Wiki) Write(ctx context.Context, name string, text []byte, _, revision string) (string, error) {
	name = w.Spell(name)
	if !nameable(name) {
		return "", fmt.Errorf("directory: write page %q: no page can have this name", clip(name))
	}
	if len(text) > MaxSize {
		return "", fmt.Errorf("directory: write page %q: %d bytes, of at most %d", name, len(text), MaxSize)
	}
	unlock, err := w.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("directory: write page %q: %w", name, err)
	}
	defer unlock()
	_, present, err := w.Source(ctx, name)
	if errors.Is(err, render.ErrNotFound) {
		present, err = "", nil
	}
	if err != nil {
		return "", err
	}
	if present != revision {
		return "", fmt.Errorf("directory: write page %q: %w", name, wiki.ErrConflict)
	}
	if err := w.replace(name+markdownExt, text, revision == ""); err != nil {
		return "", fmt.Errorf("directory: write page %q: %w", name, err)
	}
	if err := w.root.Remove(name + htmlExt); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("directory: write page %q: %w", name, err)
	}
	return revisionOf(markdownExt, text), nil
}

// lock keeps other programs from writing pages.
func (w *Wiki) lock(ctx context.Context) (unlock func(), err error) {
	dir, err := w.root.Open(".")
	if err != nil {
		return nil, err
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = dir.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = dir.Close()
			return nil, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			_ = dir.Close()
			return nil, ctx.Err()
		}
	}
}

// replace puts text under a file's name, in one step. A file that should be new is not put
// over one that an editor has made meanwhile.
func (w *Wiki) replace(file string, text []byte, isNew bool) (err error) {
	dir, base := path.Split(file)
	if dir != "" {
		if err := w.root.MkdirAll(strings.TrimSuffix(dir, "/"), 0o755); err != nil {
			return err
		}
	}
	if err := w.walk(file); err != nil {
		return err
	}
	if len(base) > 255 {
		return fmt.Errorf("%q: the name is longer than a file's may be", clip(base))
	}
	temporary := dir + ".pagemap-" + rand.Text()
	f, err := w.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = w.root.Remove(temporary) }() // where it has not become the page
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if isNew {
		if err = w.root.Link(temporary, file); errors.Is(err, fs.ErrExist) {
			err = wiki.ErrConflict
		}
	} else {
		err = w.root.Rename(temporary, file)
	}
	if err != nil {
		return err
	}
	parent, err := w.root.Open(path.Clean("./" + dir))
	if err != nil {
		return err
	}
	defer parent.Close()
	return parent.Sync() // so that the name outlives a crash, too
}
