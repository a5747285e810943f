// What the tests of this package share.

package cache

import (
	"bytes"
	"context"
	"testing"
	"time"

	"pagemap/render"
)

// patient is a budget that a loaded machine keeps, for tests that need their hits.
const patient = 5 * time.Second

func newCache(tb testing.TB, o Options) *Cache {
	tb.Helper()
	c, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// usualInputs are inputs like those of a file page; the last is the revision of usualDocument.
func usualInputs() []string {
	return []string{
		"pagemap 1", "gzip=1 charset=", "/library/asyncio-eventloop.html", "200",
		"file:/library/asyncio-eventloop.html", "12-abc",
	}
}

// inputsOf are inputs of another page, of the same revision.
func inputsOf(page string) []string { return []string{page, "12-abc"} }

// usualDocument is a page of 20 KB and 5 KB.
func usualDocument() *render.Document {
	doc := testDocument()
	doc.Body = bytes.Repeat([]byte("<p>hello</p>"), 20<<10/12)
	doc.Gzip = bytes.Repeat([]byte("z"), 5<<10)
	return doc
}

func fillWith(doc *render.Document) func(context.Context) (*render.Document, error) {
	return func(context.Context) (*render.Document, error) { return doc, nil }
}

// noFill is the fill of a page that must come from the cache.
func noFill(tb testing.TB) func(context.Context) (*render.Document, error) {
	return func(context.Context) (*render.Document, error) {
		tb.Error("the page is drawn")
		return usualDocument(), nil
	}
}

// get reads a page and checks how it came.
func get(tb testing.TB, c *Cache, inputs []string, fill func(context.Context) (*render.Document, error), wantStatus string) *render.Document {
	tb.Helper()
	doc, status, err := c.Get(context.Background(), inputs, fill)
	if err != nil {
		tb.Fatal(err)
	}
	if status != wantStatus {
		tb.Errorf("Cache-Status: %s; want %s", status, wantStatus)
	}
	return doc
}
