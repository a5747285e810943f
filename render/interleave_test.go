// Interleavings: a file that changes while its page is drawn.

package render_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
	"pagemap/render/cache"
)

const (
	before = "before, before, before, before"
	after  = "after, and longer than it was before"
)

var (
	modifiedBefore = time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	modifiedAfter  = time.Date(2002, 2, 3, 4, 5, 6, 7, time.UTC) // settled at once, as rsync and tar leave it
)

var errNotKept = errors.New("not kept")

// site is a page's way: Stat, key, cache, Render.
type site struct {
	files *render.Files
	cache *cache.Cache
	name  string // of the file, on disk
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	tr, err := tree.Open(dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	c, err := cache.New(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &site{files: render.NewFiles(tr, mapping.DefaultTypes(), render.FileOptions{}), cache: c, name: filepath.Join(dir, "page.html")}
}

const ref = "/page.html"

func (s *site) stat(t *testing.T) render.Revision {
	t.Helper()
	rev, err := s.files.Stat(context.Background(), render.Page{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// get reads the page under rev's key.
func (s *site) get(rev render.Revision) (doc *render.Document, cacheStatus string, err error) {
	return s.cache.Get(context.Background(), render.Want{Inputs: []string{rev.ID}}, func(ctx context.Context) (*render.Document, error) {
		return s.files.Render(ctx, render.Page{Ref: ref})
	})
}

// kept returns the body that is kept under rev's key, or false.
func (s *site) kept(t *testing.T, rev render.Revision) (string, bool) {
	t.Helper()
	doc, _, err := s.cache.Get(context.Background(), render.Want{Inputs: []string{rev.ID}}, func(context.Context) (*render.Document, error) { return nil, errNotKept })
	if errors.Is(err, errNotKept) {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(doc.Body), true
}

func must(err error) {
	if err != nil {
		panic(err) // within a fill
	}
}

// edits change the file from before to after.
var edits = []struct {
	name         string
	sameRevision bool // size and time are those of before
	edit         func(name string)
}{
	{"in place", false, func(name string) {
		must(os.WriteFile(name, []byte(after), 0o644))
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"in place, only the end", false, func(name string) {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		must(err)
		_, err = f.WriteAt([]byte(after[5:]), 5)
		must(err)
		must(f.Close())
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"renamed over", false, func(name string) {
		must(os.WriteFile(name+".new", []byte(after), 0o644))
		must(os.Chtimes(name+".new", modifiedAfter, modifiedAfter))
		must(os.Rename(name+".new", name))
	}},
	{"removed and written", false, func(name string) {
		must(os.Remove(name))
		must(os.WriteFile(name, []byte(after), 0o644))
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"truncated", false, func(name string) {
		must(os.Truncate(name, 3))
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"appended", false, func(name string) {
		must(os.WriteFile(name, []byte(before+after), 0o644))
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"same size", false, func(name string) {
		must(os.WriteFile(name, []byte(strings.ToUpper(before)), 0o644))
		must(os.Chtimes(name, modifiedAfter, modifiedAfter))
	}},
	{"same time", false, func(name string) {
		must(os.WriteFile(name, []byte(after), 0o644))
		must(os.Chtimes(name, modifiedBefore, modifiedBefore))
	}},
	{"same size and time", true, func(name string) {
		must(os.WriteFile(name, []byte(strings.ToUpper(before)), 0o644))
		must(os.Chtimes(name, modifiedBefore, modifiedBefore))
	}},
	{"same size and time, renamed over", true, func(name string) {
		must(os.WriteFile(name+".new", []byte(strings.ToUpper(before)), 0o644))
		must(os.Chtimes(name+".new", modifiedBefore, modifiedBefore))
		must(os.Rename(name+".new", name))
	}},
}

// TestInterleavings changes the file once at each point of its drawing. Under the key of the file as it is
// then only its bytes are kept; under the key of before, the bytes of before or nothing; and the
// next reader gets the file as it is.
func TestInterleavings(t *testing.T) {
	for _, point := range []string{"before opening", "before reading", "half-way", "after reading"} {
		for _, tt := range edits {
			t.Run(point+"/"+tt.name, func(t *testing.T) {
				s := newSite(t)
				must(os.WriteFile(s.name, []byte(before), 0o644))
				must(os.Chtimes(s.name, modifiedBefore, modifiedBefore))
				old := s.stat(t)

				reads := 0
				s.files.SetRead(func(f *os.File, b []byte) (int, error) {
					reads++
					if reads > 1 || point == "before opening" {
						return io.ReadFull(f, b)
					}
					n := map[string]int{"before reading": 0, "half-way": len(b) / 2, "after reading": len(b)}[point]
					if _, err := io.ReadFull(f, b[:n]); err != nil {
						return 0, err
					}
					tt.edit(s.name)
					m, err := io.ReadFull(f, b[n:])
					return n + m, err
				})
				if point == "before opening" {
					tt.edit(s.name)
				}
				doc, _, err := s.get(old)
				if err != nil {
					t.Fatal(err)
				}
				content, err := os.ReadFile(s.name)
				if err != nil {
					t.Fatal(err)
				}
				if string(doc.Body) != string(content) {
					t.Errorf("the page is %q", doc.Body)
				}
				if wantReads := 2; point != "before opening" && reads != wantReads {
					t.Errorf("%d reads", reads)
				}

				now := s.stat(t)
				if got, ok := s.kept(t, old); ok && got != before && !tt.sameRevision {
					t.Errorf("under the key of before is %q", got)
				}
				if got, ok := s.kept(t, now); ok && got != string(content) {
					t.Errorf("under the key of the file is %q", got)
				}
				if doc, _, err := s.get(now); err != nil || string(doc.Body) != string(content) || doc.Volatile || doc.Revision != now.ID {
					t.Errorf("the next reader gets %+v, %v", doc, err)
				}
				if got, ok := s.kept(t, now); !ok || got != string(content) {
					t.Errorf("kept is %q, %v", got, ok)
				}
			})
		}
	}
}

// TestRestless: a file that changes during every read is sent, and never kept.
func TestRestless(t *testing.T) {
	s := newSite(t)
	must(os.WriteFile(s.name, []byte(before), 0o644))
	must(os.Chtimes(s.name, modifiedBefore, modifiedBefore))
	reads := 0
	s.files.SetRead(func(f *os.File, b []byte) (int, error) {
		n, err := io.ReadFull(f, b)
		reads++
		must(os.WriteFile(s.name, []byte(strings.Repeat("x", reads)), 0o644))
		at := modifiedAfter.Add(time.Duration(reads))
		must(os.Chtimes(s.name, at, at))
		return n, err
	})
	doc, _, err := s.get(s.stat(t))
	if err != nil || !doc.Volatile || reads != 3 {
		t.Errorf("%+v, %v, %d reads", doc, err, reads)
	}
	if n := s.cache.Stats().MemoryEntries; n != 0 {
		t.Errorf("%d pages are kept", n)
	}
}

// TestGrown: a page that outgrows MaxKept between Stat and Render is for Open.
func TestGrown(t *testing.T) {
	s := newSite(t)
	must(os.WriteFile(s.name, []byte(before), 0o644))
	rev := s.stat(t)
	must(os.Truncate(s.name, render.MaxKept+1))
	if _, _, err := s.get(rev); !errors.Is(err, render.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

// version is the content of the n-th version of a file: numbers, all the same.
func version(n int) []byte {
	return bytes.Repeat([]byte(strconv.Itoa(n)+" "), 1000+n%7)
}

// TestRewriting reads a page while others rewrite its file as fast as they can. Whatever is
// kept is one version, and the one that its key names.
func TestRewriting(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(name string, n int, modified time.Time)
	}{
		{"renaming", func(name string, n int, modified time.Time) {
			must(os.WriteFile(name+".new", version(n), 0o644))
			must(os.Chtimes(name+".new", modified, modified))
			must(os.Rename(name+".new", name))
		}},
		{"in place", func(name string, n int, modified time.Time) {
			must(os.WriteFile(name, version(n), 0o644))
			must(os.Chtimes(name, modified, modified))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			var written sync.Map // revision's modification time to n
			write := func(n int) {
				modified := modifiedBefore.Add(time.Duration(n) * time.Microsecond)
				written.Store(modified.UnixNano(), n)
				tt.write(s.name, n, modified)
			}
			write(0)
			const versions = 500
			var done atomic.Bool
			var kept atomic.Int64
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for !done.Load() {
						rev, err := s.files.Stat(t.Context(), render.Page{Ref: ref})
						if err != nil {
							t.Error(err)
							return
						}
						doc, status, err := s.get(rev)
						if err != nil {
							t.Error(err)
							return
						}
						if status != "pagemap; hit" && status != "pagemap; fwd=miss; stored" {
							continue // not kept, or another reader's
						}
						got := string(doc.Body)
						kept.Add(1)
						if int64(len(got)) != rev.Size {
							t.Errorf("under the key of %+v are %d bytes", rev, len(got))
							return
						}
						n, known := written.Load(rev.Modified.UnixNano())
						if !known {
							continue // truncated, and not written to for 2 s
						}
						want := version(n.(int))
						if len(got) != len(want) {
							continue // just truncated: the system sets the size before the time; no file stays so
						}
						if got != string(want) {
							t.Errorf("under the key of version %v (%+v) is %.20q to %.20q", n, rev, got, got[len(got)-20:])
							return
						}
					}
				})
			}
			for n := 1; n <= versions && !t.Failed(); n++ {
				write(n)
				if n%20 == 0 {
					time.Sleep(time.Millisecond) // lets some versions be read in peace
				}
			}
			done.Store(true)
			wg.Wait()
			if kept.Load() == 0 {
				t.Error("no page was kept")
			}
			rev := s.stat(t)
			if doc, _, err := s.get(rev); err != nil || !bytes.Equal(doc.Body, version(versions)) {
				t.Errorf("at last: %v, %s", err, fmt.Sprintf("%.20q", doc.Body))
			}
		})
	}
}
