// Changing a row of the page table while pages are asked for.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// changer changes a row every second, back and forth between two pages, in this
// process: a command's start each second would be measured as well.
type changer struct {
	db   *postgres.DB
	now  string // path of the page that the row names
	end  context.CancelFunc
	done chan error
}

// startChanging makes the first change half a second from now.
func (b *bench) startChanging(ctx context.Context, database string) (*changer, error) {
	db, err := postgres.Open(postgres.Options{DSN: b.lab.dsn(database), Hosts: mapping.Hosts{host}})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	c := &changer{db: db, now: changePath, end: end, done: make(chan error, 1)}
	// The connection stands before anything is measured.
	if page, err := db.Page(ctx, changePath); err == nil && page.Source == "file:"+otherPath {
		c.now = otherPath
	} else if err != nil {
		end()
		return nil, errors.Join(err, db.Close())
	}
	go func() { c.done <- c.run(ctx) }()
	return c, nil
}

func (c *changer) run(ctx context.Context) error {
	for wait := time.Second / 2; ; wait = time.Second {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		to := otherPath
		if c.now == otherPath {
			to = changePath
		}
		// Not cut off in the middle: which page it is has to be known.
		if err := c.change(context.WithoutCancel(ctx), to); err != nil {
			return err
		}
		c.now = to
	}
}

func (c *changer) change(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	page, err := mapping.Hosts{host}.Clean(mapping.Page{Row: mapping.Row{Pattern: changePath, Status: http.StatusOK, Source: "file:" + to}})
	if err != nil {
		return err
	}
	_, err = c.db.Write(ctx, postgres.ChangeSet{Author: "bench", Origin: mapping.OriginCLI, Note: "under load"},
		[]postgres.Edit{{Pattern: page.Pattern, Page: &page}})
	return err
}

// stop ends the changes.
func (c *changer) stop() error {
	c.end()
	return errors.Join(<-c.done, c.db.Close())
}

// settle waits until the contender answers with the page that the row names now.
func (b *bench) settle(ctx context.Context, c cell, path string) error {
	want, err := b.site.body(path)
	if err != nil {
		return err
	}
	for end := time.Now().Add(10 * time.Second); ; {
		a, err := fetch(c.addr, changePath, nil)
		if err != nil {
			return err
		}
		if a.status == http.StatusOK && bytes.Equal(a.body, want) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("GET http://%s%s: 10 s after the last change still the page before it", c.addr, changePath)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
