// Package populate crawls the file tree into the page table.
//
// Every file that the tree serves becomes one row, 200 with a file source and the
// origin populate; pages and data resources alike, for which of the two a file is
// gets decided when it is served. A directory's index becomes one row under the
// directory's URL, a further index name keeps a row of its own. Files below a symlinked directory
// get none: they answer from the tree and are added as they are asked for.
//
// Rows are added in batches, each a change-set of its own, and only where no row has
// their path: a run changes nothing that anybody made, a second run adds nothing, and
// a run after one that was stopped goes on where that ended.
//
// A row has vanished when the tree made it and the tree no longer serves its file.
// Pruning removes vanished rows, after a crawl that could read everything, and unless
// forced not if that were more than half of the rows that the tree had made before:
// then the tree is rather not mounted, or another one.
package populate

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
)

// Errors of Run, tested with errors.Is.
var (
	// ErrStopped: the context ended. The finished batches stay.
	ErrStopped = errors.New("populate: stopped before the end: what was added stays, run it again to go on")
	// ErrUnread: a directory could not be read, so nothing was pruned.
	ErrUnread = errors.New("populate: not pruned, because a part of the tree could not be read: make it readable and run again")
	// ErrTooMany: more than half of the tree's rows have vanished, so nothing was pruned.
	ErrTooMany = errors.New("populate: not pruned, because more than half of the tree's rows would go: is the tree mounted, and the right one? If it is, force it")
)

// Store is the page table as the crawl needs it: *postgres.DB.
type Store interface {
	// AddFiles adds the rows whose pattern has none yet.
	AddFiles(context.Context, postgres.ChangeSet, []mapping.Row) (postgres.Result, error)
	// MissingFiles returns those of the patterns that have no row yet.
	MissingFiles(ctx context.Context, patterns []string) ([]string, error)
	// TreeRows yields the rows that the tree made.
	TreeRows(context.Context) iter.Seq2[mapping.Row, error]
	// RemoveFiles removes rows that the tree made.
	RemoveFiles(ctx context.Context, cs postgres.ChangeSet, patterns []string) (postgres.Result, error)
}

// Options of Run. Tree and Store are needed.
type Options struct {
	Tree  *tree.Tree
	Store Store

	BatchSize int  // rows added at once; 0: 10,000
	DryRun    bool // only report
	Prune     bool // remove vanished rows
	Force     bool // prune however many they are

	Author, Note string // of the change-sets

	Types      *mapping.Types // to count pages and data resources; nil: mapping.DefaultTypes
	ImageLimit int64          // as above; 0: mapping.DefaultImageLimit

	Progress func(Progress) // called now and then, from one goroutine at a time; may be nil
}

// Progress tells how far a run is.
type Progress struct {
	Files int // crawled
	Added int
}

// Run crawls the tree into the table. The report tells what was done also beside an error.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.BatchSize <= 0 {
		o.BatchSize = 10_000
	}
	r := &run{Options: o, report: newReport(), seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	r.report.DryRun = o.DryRun
	err := r.all(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w (%w)", ErrStopped, context.Cause(ctx))
	}
	r.report.finish()
	return r.report, err
}

// Rows crawls the tree into memory, for a table without a database.
func Rows(ctx context.Context, t *tree.Tree) ([]mapping.Row, *Report, error) {
	var rows []mapping.Row
	report := newReport()
	c := newCounter(nil, 0)
	err := t.Walk(ctx, func(it tree.Item) error {
		report.item(it, c)
		if it.Kind == tree.Served {
			rows = append(rows, row(it))
		}
		return nil
	})
	report.Added = len(rows)
	report.Complete = err == nil
	report.finish()
	if err != nil {
		err = fmt.Errorf("populate: %w", err)
	}
	return rows, report, err
}

// row is the row of a served file.
func row(it tree.Item) mapping.Row {
	source := mapping.Source{Kind: mapping.SourceFile, Ref: string(it.File)}
	return mapping.Row{Pattern: string(it.Path), Source: source.String(), Status: 200, Origin: mapping.OriginPopulate}
}

// run is the state of one Run.
type run struct {
	Options
	report *Report
	seen   map[uint64]struct{} // hashes of the rows crawled: eight bytes a file, not its path
	seed   maphash.Seed
}

// all crawls, then compares the table with the tree.
func (r *run) all(ctx context.Context) error {
	if err := r.crawl(ctx); err != nil {
		return err
	}
	r.report.Complete = true
	gone, err := r.vanished(ctx)
	if err != nil || !r.Prune {
		return err
	}
	return r.prune(ctx, gone)
}

// crawl walks the tree in one goroutine while another writes.
func (r *run) crawl(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	batches := make(chan []mapping.Row)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for batch := range batches {
			if err := r.write(ctx, batch); err != nil {
				stop(err)
				return
			}
		}
	}()
	send := func(batch []mapping.Row) error {
		select {
		case batches <- batch:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := r.walk(ctx, send)
	close(batches)
	<-written
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// walk sends the rows of the tree in batches.
func (r *run) walk(ctx context.Context, send func([]mapping.Row) error) error {
	c := newCounter(r.Types, r.ImageLimit)
	var batch []mapping.Row
	err := r.Tree.Walk(ctx, func(it tree.Item) error {
		r.report.item(it, c)
		if it.Kind != tree.Served {
			return nil
		}
		row := row(it)
		r.seen[r.hash(row)] = struct{}{}
		if batch = append(batch, row); len(batch) < r.BatchSize {
			return nil
		}
		full := batch
		batch = make([]mapping.Row, 0, r.BatchSize)
		return send(full)
	})
	if err != nil {
		return fmt.Errorf("populate: %w", err)
	}
	if len(batch) > 0 {
		return send(batch)
	}
	return nil
}

// hash stands for pattern and source of a row.
func (r *run) hash(row mapping.Row) uint64 {
	return maphash.Comparable(r.seed, [2]string{row.Pattern, row.Source})
}

// write adds a batch, or counts what it would add.
func (r *run) write(ctx context.Context, batch []mapping.Row) error {
	var added int
	if r.DryRun {
		patterns := make([]string, len(batch))
		for i, row := range batch {
			patterns[i] = row.Pattern
		}
		missing, err := r.Store.MissingFiles(ctx, patterns)
		if err != nil {
			return fmt.Errorf("populate: %w", err)
		}
		added = len(missing)
	} else {
		result, err := r.Store.AddFiles(ctx, r.changeSet(), batch)
		if err != nil {
			return fmt.Errorf("populate: %w", err)
		}
		added = result.Added
	}
	r.report.Added += added
	r.report.Unchanged += len(batch) - added
	if r.Progress != nil {
		r.Progress(Progress{Files: r.report.Added + r.report.Unchanged, Added: r.report.Added})
	}
	return nil
}

func (r *run) changeSet() postgres.ChangeSet {
	return postgres.ChangeSet{Author: r.Author, Origin: mapping.OriginPopulate, Note: r.Note}
}

// vanished lists the patterns of rows whose file the tree no longer serves.
func (r *run) vanished(ctx context.Context) ([]string, error) {
	var gone []string
	for row, err := range r.Store.TreeRows(ctx) {
		if err != nil {
			return nil, fmt.Errorf("populate: %w", err)
		}
		r.report.treeRows++
		if _, ok := r.seen[r.hash(row)]; ok {
			continue
		}
		reason, err := r.lost(row)
		if err != nil {
			return nil, fmt.Errorf("populate: %s: %w", row.Pattern, err)
		}
		if reason != "" {
			gone = append(gone, row.Pattern)
			r.report.Vanished.add(row.Pattern, reason)
		}
	}
	return gone, nil
}

// lost says why the file of a row is not served, "" where it is: added since the
// crawl, or below a symlinked directory.
func (r *run) lost(row mapping.Row) (string, error) {
	source, err := mapping.ParseSource(row.Source)
	if err != nil {
		return "", err
	}
	_, err = r.Tree.Stat(mapping.Path(source.Ref))
	var refusal *tree.Refusal
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &refusal) && refusal.Reason != tree.Unreadable:
		return string(refusal.Reason), nil
	case errors.As(err, &refusal):
		r.report.unread = true
		return "", nil
	}
	return "", err
}

// prune removes the vanished rows.
func (r *run) prune(ctx context.Context, gone []string) error {
	before := r.report.treeRows
	if !r.DryRun {
		before -= r.report.Added
	}
	switch {
	case len(gone) == 0:
		return nil
	case r.report.unread:
		return ErrUnread
	case !r.Force && 2*len(gone) > before:
		return fmt.Errorf("%w (%d of %d)", ErrTooMany, len(gone), before)
	case r.DryRun:
		r.report.Pruned = len(gone)
		return nil
	}
	for len(gone) > 0 {
		n := min(len(gone), r.BatchSize)
		result, err := r.Store.RemoveFiles(ctx, r.changeSet(), gone[:n])
		if err != nil {
			return fmt.Errorf("populate: prune: %w", err)
		}
		r.report.Pruned += result.Removed
		gone = gone[n:]
	}
	return nil
}
