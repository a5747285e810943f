// What the tests of this package share.

package cache

import (
	"bytes"
	"context"
	"fmt"
	"sync"
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

// usualDocument is a page of 20 KB, and 5 KB of gzip.
func usualDocument() *render.Document {
	doc := testDocument()
	doc.Body = bytes.Clone(usualBody())
	doc.Gzip = bytes.Clone(usualGzip())
	return doc
}

var usualBody = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 20<<10; i++ {
		fmt.Fprintf(&b, "<p>Section %d: what the library returns when %x is not found.</p>\n", i, i*i*7919)
	}
	return b.Bytes()
})

var usualGzip = sync.OnceValue(func() []byte { return zipped(usualBody()) })

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

// plain wants a page for readers who take no encoding, packed for the others.
func plain(inputs []string) render.Want  { return render.Want{Inputs: inputs} }
func packed(inputs []string) render.Want { return render.Want{Inputs: inputs, Packed: true} }

// get reads a page in the plain form and checks how it came.
func get(tb testing.TB, c *Cache, inputs []string, fill func(context.Context) (*render.Document, error), wantStatus string) *render.Document {
	tb.Helper()
	return getAs(tb, c, plain(inputs), fill, wantStatus)
}

// getAs reads a page in any form.
func getAs(tb testing.TB, c *Cache, w render.Want, fill func(context.Context) (*render.Document, error), wantStatus string) *render.Document {
	tb.Helper()
	doc, status, err := c.Get(context.Background(), w, fill)
	if err != nil {
		tb.Fatal(err)
	}
	if status != wantStatus {
		tb.Errorf("Cache-Status: %s; want %s", status, wantStatus)
	}
	return doc
}
