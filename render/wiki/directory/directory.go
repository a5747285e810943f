// Package directory is a wiki that is a directory of files, which people edit with
// whatever they like, and keep in a version control system if they like.
//
// # Pages
//
// A page is a file of Markdown (".md") or of a fragment of HTML (".html"); of two with one name
// the Markdown counts. Its name is the file's without that ending, and below the wiki's directory:
// "docs/Install" is docs/Install.md. Names are case-sensitive; a slash at the end does not count. There are no redirects. Any other file
// is an attachment under its whole name: "img/x.png".
//
// A name's parts are the names of directories and the file. It is no page's where a part is empty or begins with a dot, so that neither
// "..", nor what a version control system keeps, is reached; where it is not UTF-8 or has
// a control character. Only regular files are read, nothing through a symbolic link, and nothing outside the directory
// (os.Root). A page's file above MaxSize is refused as too large. An attachment of more than render.MaxKept bytes is read while it is sent.
//
// # Markdown
//
// CommonMark with GitHub's extensions (tables, strikethrough, task lists, bare links), footnotes, definition
// lists as in PHP Markdown Extra, attributes of headings ("# Title {#id .class}"), and what package span reads:
// places for links ("[]{#id}"), text above and below the line, and sizes of images. A heading without an id
// has its words in lower case, joined by "-"; equal ones are numbered. HTML stays as it is, and nothing is
// trusted: whoever draws the page sanitises it.
//
// The title of a page is "title:" in front matter (lines between two lines of "---" at the top, which are not
// drawn), else the text of the first heading of the first level, which stays in the body, else the last part of
// the name.
//
// # Links
//
// A relative link names a page, with or without its ending, or an attachment, as seen from the file
// that it is in. One that begins with a slash is a path of the site. The wiki has no address of its own: Target.URL is
// "" for a page.
//
// # Revisions
//
// A revision is a hash of the file, so that checking out the same text changes nothing, and a change shows at the
// next Stat, whatever the clock of the file system is worth. The hash of a file that was last written more than two seconds before it was
// read is remembered for as long as size, both times and inode stay what they are. These alone are the revision of a large
// attachment, and until two seconds have passed each look is another one.
//
// # Writing
//
// A page is written to a new file that takes the old one's place, under a lock on the directory (flock) that all
// programs of pagemap take; so a reader sees either of the two whole. A page that was HTML becomes Markdown, in which HTML
// may stand. Notes on changes are for the version control system and not kept.
package directory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/maypok86/otter/v2"

	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/wiki"
)

// MaxSize is the size of the largest page's file, in bytes.
const MaxSize = 2 << 20

const (
	settleTime   = 2 * time.Second // after which a file's times tell of every later write
	remembered   = 1 << 16         // files whose hash is remembered
	readAttempts = 3               // of a file that changes meanwhile
)

// The endings of pages, the first that is there counts.
const (
	markdownExt = ".md"
	htmlExt     = ".html"
)

// Wiki is a directory. It implements wiki.Writer, wiki.Speller and wiki.Attacher.
type Wiki struct {
	root  *os.Root
	types *mapping.Types
	known *otter.Cache[string, known] // by file
}

// known is the state of a file, good while it looks the same.
type known struct {
	look  look
	state wiki.State
}

// look is what tells that a file was written to, without reading it.
type look struct {
	inode             uint64
	size              int64
	modified, changed syscall.Timespec
}

var _ interface {
	wiki.Writer
	wiki.Speller
	wiki.Attacher
} = (*Wiki)(nil)

// Open opens the wiki in a directory. Close it.
func Open(dir string) (*Wiki, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("directory: wiki %s: %w", dir, err)
	}
	files, err := otter.New(&otter.Options[string, known]{MaximumSize: remembered})
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("directory: wiki %s: %w", dir, err)
	}
	return &Wiki{root: root, types: mapping.DefaultTypes(), known: files}, nil
}

// Close gives the directory back.
func (w *Wiki) Close() error { return w.root.Close() }

// Spell implements wiki.Speller.
func (w *Wiki) Spell(name string) string { return strings.TrimRight(name, "/") }

// Stat implements wiki.Wiki.
func (w *Wiki) Stat(ctx context.Context, name string) (wiki.State, error) {
	name, file, seen, err := w.find(ctx, name)
	if err != nil {
		return wiki.State{}, err
	}
	if isLarge(name, file, seen) {
		return largeState(name, seen), nil
	}
	if k, ok := w.known.GetIfPresent(file); ok && k.look == seen {
		return k.state, nil
	}
	_, state, err := w.read(name, file)
	return state, err
}

// Open implements wiki.Wiki.
func (w *Wiki) Open(ctx context.Context, name string) (*wiki.Page, error) {
	name, file, seen, err := w.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if isLarge(name, file, seen) {
		return nil, fmt.Errorf("directory: attachment %q of %d bytes: %w", name, seen.size, render.ErrTooLarge)
	}
	content, state, err := w.read(name, file)
	if err != nil {
		return nil, err
	}
	page := &wiki.Page{State: state}
	switch file {
	case name + markdownExt:
		page.Title, page.Body, err = drawMarkdown(content)
	case name + htmlExt:
		page.Title, page.Body = titleOfHTML(content), content
	default:
		page.Type, page.Body = w.typeOf(name), content
	}
	if err != nil {
		return nil, fmt.Errorf("directory: page %q: %w: %w", name, render.ErrUnavailable, err)
	}
	if page.Title == "" {
		page.Title = path.Base(name)
	}
	return page, nil
}

// OpenAttachment implements wiki.Attacher.
func (w *Wiki) OpenAttachment(ctx context.Context, name string) (*wiki.Page, io.ReadSeekCloser, error) {
	name, file, _, err := w.find(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if file != name {
		return nil, nil, fmt.Errorf("directory: page %q: %w: no attachment", name, render.ErrTooLarge)
	}
	f, seen, err := w.open(file)
	if err != nil {
		return nil, nil, err
	}
	return &wiki.Page{State: largeState(name, seen), Title: path.Base(name), Type: w.typeOf(name)}, f, nil
}

// typeOf is the media type of an attachment.
func (w *Wiki) typeOf(name string) string {
	if t := w.types.Media(path.Base(name)).ContentType(); t != "" {
		return t
	}
	return "application/octet-stream"
}

// isLarge reports whether a file is an attachment that is read while it is sent.
func isLarge(name, file string, seen look) bool { return file == name && seen.size > render.MaxKept }

// largeState is the state of a large attachment.
func largeState(name string, seen look) wiki.State {
	modified := time.Unix(seen.modified.Unix())
	now, revision := time.Now(), fmt.Sprint("large ", seen)
	if now.Sub(modified) <= settleTime || now.Sub(time.Unix(seen.changed.Unix())) <= settleTime {
		revision += fmt.Sprint(" ", now.UnixNano()) // it may be written to again without looking so
	}
	return wiki.State{Name: name, Revision: revision, Modified: modified}
}

// List implements wiki.Wiki. Attachments are not listed.
func (w *Wiki) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := fs.WalkDir(w.root.FS(), ".", func(file string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if file != "." && !nameable(file) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if !d.Type().IsRegular() {
				return nil
			}
			name, ok := strings.CutSuffix(file, markdownExt)
			if !ok {
				if name, ok = strings.CutSuffix(file, htmlExt); ok {
					_, err := w.root.Lstat(name + markdownExt)
					ok = err != nil
				}
			}
			if ok && nameable(name) && !yield(name, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("directory: list: %w: %w", render.ErrUnavailable, err))
		}
	}
}

// Changes implements wiki.Wiki: a look at a file costs no more than asking what has changed.
func (w *Wiki) Changes(context.Context, string) ([]string, string, error) {
	return nil, "", fmt.Errorf("directory: changes: %w", errors.ErrUnsupported)
}

// nameable reports whether pages and attachments may have the name.
func nameable(name string) bool {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' {
			return false
		}
	}
	return true
}

// find returns a page's own name, its file, and what that looks like.
func (w *Wiki) find(ctx context.Context, name string) (own, file string, seen look, err error) {
	if err := ctx.Err(); err != nil {
		return "", "", look{}, fmt.Errorf("directory: page %q: %w: %w", name, render.ErrUnavailable, err)
	}
	own = w.Spell(name)
	if !nameable(own) {
		return "", "", look{}, fmt.Errorf("directory: page %q: %w: not a page's name", clip(name), render.ErrNotFound)
	}
	for range 2 { // between two looks the page may have become Markdown
		for _, ext := range []string{markdownExt, htmlExt, ""} {
			if ext == "" && (strings.HasSuffix(own, markdownExt) || strings.HasSuffix(own, htmlExt)) {
				break // a page's file is no attachment
			}
			if seen, err = w.lookAt(own + ext); !errors.Is(err, render.ErrNotFound) {
				return own, own + ext, seen, err
			}
		}
	}
	return "", "", look{}, fmt.Errorf("directory: page %q: %w", clip(name), render.ErrNotFound)
}

// lookAt looks at a file that is regular and reached through no symbolic link.
func (w *Wiki) lookAt(file string) (look, error) {
	if err := w.walk(file); err != nil {
		return look{}, fileError(file, err)
	}
	info, err := w.root.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return look{}, fileError(file, err)
	}
	return lookOf(info), nil
}

// walk is an error unless every directory on the way to a file is one, and no symbolic link.
func (w *Wiki) walk(file string) error {
	for i := range len(file) {
		if file[i] != '/' {
			continue
		}
		info, err := w.root.Lstat(file[:i])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return &fs.PathError{Op: "walk", Path: file[:i], Err: syscall.ENOTDIR}
		}
	}
	return nil
}

func lookOf(info fs.FileInfo) look {
	st := info.Sys().(*syscall.Stat_t)
	return look{st.Ino, st.Size, st.Mtim, st.Ctim}
}

// read reads a file and returns its content and the state of its page. A file that
// is written to meanwhile is read again.
func (w *Wiki) read(name, file string) (content []byte, state wiki.State, err error) {
	for range readAttempts {
		var seen look
		var steady bool
		now := time.Now()
		if content, seen, steady, err = w.readOnce(file); err != nil {
			return nil, wiki.State{}, err
		}
		modified := time.Unix(seen.modified.Unix())
		state = wiki.State{Name: name, Revision: revisionOf(path.Ext(file), content), Modified: modified}
		if steady {
			if now.Sub(modified) > settleTime && now.Sub(time.Unix(seen.changed.Unix())) > settleTime {
				w.known.Set(file, known{seen, state})
			}
			break
		}
	}
	return content, state, nil
}

// open opens a regular file, and tells how it looks.
func (w *Wiki) open(file string) (*os.File, look, error) {
	f, err := w.root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, look{}, fileError(file, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, look{}, fileError(file, err)
	}
	return f, lookOf(info), nil
}

// readOnce reads a file, and reports whether it stayed as it was meanwhile.
func (w *Wiki) readOnce(file string) (content []byte, before look, steady bool, err error) {
	f, before, err := w.open(file)
	if err != nil {
		return nil, look{}, false, err
	}
	defer f.Close()
	content, err = io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, look{}, false, fileError(file, err)
	}
	if len(content) > MaxSize {
		return nil, look{}, false, fmt.Errorf("directory: file %q of %d bytes: %w", file, before.size, render.ErrTooLarge)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, look{}, false, fileError(file, err)
	}
	return content, before, before == lookOf(after) && int64(len(content)) == before.size, nil
}

// revisionOf names a file's content. The first byte hashed stands for how pages are made of it.
func revisionOf(ext string, content []byte) string {
	h := sha256.New()
	h.Write([]byte("1" + ext + "\x00"))
	h.Write(content)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// fileError tells what is not there from what the disk cannot say at present.
func fileError(file string, err error) error {
	kind := render.ErrUnavailable
	for _, absent := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EISDIR, syscall.ENXIO} {
		if errors.Is(err, absent) {
			kind = render.ErrNotFound
		}
	}
	return fmt.Errorf("directory: file %q: %w: %w", clip(file), kind, err)
}

// clip shortens what is put into an error.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}
