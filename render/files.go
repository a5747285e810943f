// Files: the legacy tree's files as pages.

package render

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"syscall"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// When a file's modification time is too near to now to be trusted.
const (
	settleTime = 2 * time.Second
	clockSkew  = 24 * time.Hour
)

// readAttempts is how often a file is read that changes meanwhile.
const readAttempts = 3

// FileOptions of NewFiles.
type FileOptions struct {
	DefaultCharset string           // of text/html and text/plain whose name has none; "": none
	Now            func() time.Time // the clock; nil: time.Now
}

// Files draws the files of a tree. A ref is a path key. It implements Source and Streamer.
type Files struct {
	tree    *tree.Tree
	types   *mapping.Types
	charset string
	now     func() time.Time
	read    func(*os.File, []byte) (int, error) // io.ReadFull, but in tests
}

// NewFiles returns the source of t's files, whose media types are found by types.
func NewFiles(t *tree.Tree, types *mapping.Types, o FileOptions) *Files {
	f := &Files{tree: t, types: types, charset: o.DefaultCharset, now: o.Now}
	if f.now == nil {
		f.now = time.Now
	}
	f.read = func(file *os.File, b []byte) (int, error) { return io.ReadFull(file, b) }
	return f
}

// Stat implements Source.
func (f *Files) Stat(_ context.Context, page Page) (Revision, error) {
	ref := page.Ref
	now := f.now()
	p, err := mapping.ParsePath(ref)
	if err != nil {
		return Revision{}, fileError("stat", ref, err)
	}
	info, err := f.tree.Stat(p)
	if err != nil {
		return Revision{}, fileError("stat", ref, err)
	}
	return Revision{
		ID:       revisionID(info.Size, info.Modified),
		Modified: info.Modified,
		Size:     info.Size,
		Volatile: unsettled(info.Modified, now),
		Ref:      string(info.Path),
	}, nil
}

// Render implements Source. A file of more than MaxKept bytes is ErrTooLarge.
func (f *Files) Render(ctx context.Context, page Page) (*Document, error) {
	doc, steady, err := f.draw(page.Ref)
	for attempt := 1; err == nil && !steady && attempt < readAttempts; attempt++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		doc, steady, err = f.draw(page.Ref)
	}
	if err != nil {
		return nil, err
	}
	doc.Volatile = doc.Volatile || !steady
	return doc, nil
}

// draw reads a file once, and reports whether it stayed as it was meanwhile.
func (f *Files) draw(ref string) (doc *Document, steady bool, err error) {
	doc, file, before, err := f.open(ref)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	if before.size > MaxKept {
		return nil, false, fmt.Errorf("render: file %s of %d bytes: %w", ref, before.size, ErrTooLarge)
	}
	doc.Body = make([]byte, before.size)
	n, err := f.read(file, doc.Body)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) { // these: it shrank
		return nil, false, fileError("read", ref, err)
	}
	doc.Body = doc.Body[:n]
	after, err := stateOf(file)
	if err != nil {
		return nil, false, fileError("stat", ref, err)
	}
	doc.HashETag()
	return doc, after == before && int64(n) == before.size, nil
}

// Open implements Streamer.
func (f *Files) Open(_ context.Context, page Page) (*Document, io.ReadSeekCloser, error) {
	doc, file, _, err := f.open(page.Ref)
	if err != nil {
		return nil, nil, err
	}
	content := []byte(doc.Revision)
	if doc.Volatile {
		content = strconv.AppendInt(append(content, ' '), f.now().UnixNano(), 36)
	}
	doc.SetETag(etag(doc, content))
	return doc, file, nil
}

// open opens a file and returns what is known before it is read.
func (f *Files) open(ref string) (*Document, *os.File, state, error) {
	now := f.now()
	p, err := mapping.ParsePath(ref)
	if err != nil {
		return nil, nil, state{}, fileError("open", ref, err)
	}
	file, _, err := f.tree.OpenFile(p)
	if err != nil {
		return nil, nil, state{}, fileError("open", ref, err)
	}
	st, err := stateOf(file)
	if err != nil {
		file.Close()
		return nil, nil, state{}, fileError("stat", ref, err)
	}
	modified := time.Unix(st.modified.Unix())
	name, _ := p.FileName()
	media := f.types.Media(path.Base(name))
	if media.Charset == "" && (media.Type == "text/html" || media.Type == "text/plain") {
		media.Charset = f.charset
	}
	return &Document{
		Type:     media.ContentType(),
		Language: media.Language,
		Modified: modified,
		Revision: revisionID(st.size, modified),
		Volatile: unsettled(modified, now),
	}, file, st, nil
}

// state is what tells that an open file was written to. Unlike the modification
// time, the change time cannot be set back.
type state struct {
	size              int64
	modified, changed syscall.Timespec
}

func stateOf(file *os.File) (state, error) {
	info, err := file.Stat()
	if err != nil {
		return state{}, err
	}
	st := info.Sys().(*syscall.Stat_t)
	return state{size: st.Size, modified: st.Mtim, changed: st.Ctim}, nil
}

// fileError gives an error of the tree its meaning: what is not served is not
// found; the disk's troubles (too many open files, say) are expected to pass.
func fileError(op, ref string, err error) error {
	kind := ErrUnavailable
	if errors.Is(err, tree.ErrNotServed) || errors.Is(err, mapping.ErrBadPath) || errors.Is(err, mapping.ErrPathTooLong) {
		kind = ErrNotFound
	}
	return fmt.Errorf("%w: %s file %q: %w", kind, op, ref, err)
}

// revisionID names the state of a file: size and nanoseconds since 1970.
func revisionID(size int64, modified time.Time) string {
	b := strconv.AppendInt(make([]byte, 0, 32), size, 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, modified.UnixNano(), 36)
	return string(b)
}

// unsettled reports whether a file with this modification time may change
// once more without its time moving on.
func unsettled(modified, now time.Time) bool {
	age := now.Sub(modified)
	return age < settleTime && age > -clockSkew
}

// HashETag sets the ETag of a document that is being made to the hash of its type, language and body.
func (d *Document) HashETag() { d.SetETag(etag(d, d.Body)) }

// etag hashes what a strong validator must tell apart: the representation's type and
// bytes.
func etag(doc *Document, content []byte) string {
	h := sha256.New()
	var n [binary.MaxVarintLen64]byte
	for _, s := range [...]string{doc.Type, doc.Language} {
		h.Write(n[:binary.PutUvarint(n[:], uint64(len(s)))])
		h.Write([]byte(s))
	}
	h.Write(content)
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(h.Sum(sum[:0])[:16])
}
