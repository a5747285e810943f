// The page table without a database: the tree's files, and a mapping file that
// is reread when it changes.

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/cmd/internal/config"
	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/populate"
	"pagemap/mapping/traffic"
	"pagemap/mapping/tree"
)

// lookEvery is how often the mapping file is looked at. One that has changed is
// read at the next look at which it is still the same, so that it is not read
// while it is written; so a change shows within half a second.
const lookEvery = 200 * time.Millisecond

// memoryTable is a page table made of tree and mapping file. It implements table.
type memoryTable struct {
	file       string // the mapping file; "": none
	hosts      mapping.Hosts
	indexNames []string
	log        *slog.Logger
	merged     atomic.Pointer[mapping.Table] // files under rows: the table in force

	mu     sync.Mutex // protects the rest, and putting merged in force
	files  *mapping.Table
	rows   []mapping.Row // of the mapping file
	seen   fileState     // of the mapping file when it was last read
	synced time.Time     // when it was last found to be in force
	bad    error         // why it is not; nil: it is
}

// newMemoryTable crawls the tree and reads the mapping file.
func newMemoryTable(ctx context.Context, s *config.Settings, log *slog.Logger) (*memoryTable, error) {
	t := &memoryTable{file: s.Mapping, hosts: s.Hosts(), indexNames: s.Index, log: log, files: new(mapping.Table), synced: time.Now()}
	if s.Tree != "" {
		files, err := tree.Open(s.Tree, tree.Options{IndexNames: s.Index})
		if err != nil {
			return nil, err
		}
		defer files.Close()
		rows, _, err := populate.Rows(ctx, files)
		if err != nil {
			return nil, fmt.Errorf("read tree %s: %w", s.Tree, err)
		}
		t.files = mapping.NewTable(slices.Values(rows))
	}
	t.merged.Store(t.files)
	if t.file != "" {
		if err := t.reread(stateOf(t.file)); err != nil {
			return nil, err
		}
	}
	log.Info("table made", "tree", s.Tree, "files", t.files.Len(), "mapping", s.Mapping, "rows", len(t.rows))
	return t, nil
}

// reread takes over the mapping file, of which state was seen before, or leaves
// the old rows in force.
func (t *memoryTable) reread(state fileState) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = state
	rows, err := t.readMapping()
	if err == nil {
		merged := t.files.Apply(changesOf(rows))
		if err = t.checkLoops(merged, rows); err == nil {
			t.rows, t.synced = rows, time.Now()
			t.merged.Store(merged)
		}
	}
	if err != nil {
		err = fmt.Errorf("mapping file %s: %w", t.file, err)
	}
	t.bad = err
	return err
}

// readMapping reads the rows of the mapping file. A row that is the same as
// before keeps the time of its change; a new one has the file's. The caller holds mu.
func (t *memoryTable) readMapping() ([]mapping.Row, error) {
	f, err := os.Open(t.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	pages, err := exchange.ReadCSV(f, t.hosts)
	if err != nil {
		return nil, err
	}
	before := make(map[string]mapping.Row, len(t.rows))
	for _, row := range t.rows {
		before[row.Pattern] = row
	}
	rows := make([]mapping.Row, len(pages))
	for i, page := range pages {
		row := page.Row
		row.Changed = info.ModTime().UnixMicro()
		if old := before[row.Pattern]; old.Source == row.Source && old.Status == row.Status && old.DropQuery == row.DropQuery {
			row.Changed = old.Changed
		}
		rows[i] = row
	}
	return rows, nil
}

// checkLoops refuses rows whose redirects come back to themselves.
func (t *memoryTable) checkLoops(merged *mapping.Table, rows []mapping.Row) error {
	resolver := mapping.Resolver{Rows: merged, IndexNames: t.indexNames, Hosts: t.hosts}
	for _, row := range rows {
		if row.Status != 301 && row.Status != 302 {
			continue
		}
		target, err := mapping.ParseTarget(strings.TrimSuffix(row.Pattern, "*"))
		if err != nil {
			return fmt.Errorf("%s: %w", row.Pattern, err)
		}
		if a := resolver.Resolve(target); a.Flag == mapping.FlagLoop {
			return fmt.Errorf("%s: its redirect to %s comes back to itself", row.Pattern, row.Source)
		}
	}
	return nil
}

func changesOf(rows []mapping.Row) []mapping.Change {
	changes := make([]mapping.Change, len(rows))
	for i := range rows {
		changes[i] = mapping.Change{Pattern: rows[i].Pattern, Row: &rows[i]}
	}
	return changes
}

// Table implements table.
func (t *memoryTable) Table() *mapping.Table { return t.merged.Load() }

// Found implements table: it adds the file's row at once.
func (t *memoryTable) Found(row mapping.Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.files.Get(row.Pattern); known {
		return
	}
	change := []mapping.Change{{Pattern: row.Pattern, Row: &row}}
	t.files = t.files.Apply(change)
	merged := t.merged.Load()
	if _, known := merged.Get(row.Pattern); !known {
		t.merged.Store(merged.Apply(change))
	}
}

// Traffic implements table: without a database nothing is counted.
func (t *memoryTable) Traffic() *traffic.Counter { return nil }

// run rereads the mapping file when it changes, until ctx ends.
func (t *memoryTable) run(ctx context.Context) {
	if t.file == "" {
		return
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	last := t.seen // written by this goroutine alone from now on
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		state := stateOf(t.file)
		if state == last && state != t.seen {
			if err := t.reread(state); err != nil {
				t.log.Error("mapping file not taken over; the old table stays in force", "error", err)
			} else {
				t.log.Info("mapping file read again", "rows", len(t.rows))
			}
		}
		last = state
	}
}

// report implements table.
func (t *memoryTable) report(h *health) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.Table = &tableHealth{Rows: t.merged.Load().Len(), Synced: t.synced}
	if t.bad != nil {
		h.Warnings = append(h.Warnings, t.bad.Error())
	}
}

// fileState tells one state of a file from another; the zero value is no file.
type fileState struct {
	ino          uint64
	size         int64
	mtime, ctime unix.Timespec
}

func stateOf(file string) fileState {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return fileState{}
	}
	return fileState{st.Ino, st.Size, st.Mtim, st.Ctim}
}
