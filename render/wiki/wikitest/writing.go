// Links, edits at the same time, and wikis that take pages.

package wikitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"pagemap/render"
	"pagemap/render/wiki"
)

func links(t *testing.T, ctx context.Context, w World) {
	pages := []string{"From", "Sub/From", "Sub/Deep/From", "To", "Sub/To", "Two words", "Sub/Two words", "100% it?", "Étage/日本"}
	for i, name := range pages {
		if !cannot(w, name) {
			w.Put(name, textOf(i))
		}
	}
	for _, from := range pages[:3] {
		own := openPage(t, ctx, w.Wiki, from).Name
		for i, to := range pages {
			if cannot(w, to) {
				continue
			}
			href := w.Link(from, to)
			ref, err := url.Parse(href + "#a-part")
			if err != nil {
				t.Errorf("the link from %q to %q is %q: %v", from, to, href, err)
				continue
			}
			target := w.Wiki.Target(own, ref)
			if target.Fragment != "a-part" {
				t.Errorf("the link %q leads to the fragment %q, want a-part", ref, target.Fragment)
			}
			if page, err := w.Wiki.Open(ctx, target.Name); err != nil || !strings.Contains(string(page.Body), textOf(i)) {
				t.Errorf("the link from %q to %q, %q, leads to %+v: %v", from, to, ref, target, err)
			}
		}
		for _, elsewhere := range []string{"https://elsewhere.example/To", "mailto:somebody@elsewhere.example"} {
			ref, err := url.Parse(elsewhere)
			if err != nil {
				t.Fatal(err)
			}
			if target := w.Wiki.Target(own, ref); target.Name != "" || target.URL != elsewhere {
				t.Errorf("%s leads to %+v, want that URL", elsewhere, target)
			}
		}
	}
	for _, hostile := range []string{"../../../../etc/passwd", "..", ".", "%2e%2e/%2e%2e/To", "..%2f..%2fTo", "//", "?", "%00"} {
		if ref, err := url.Parse(hostile); err == nil {
			if target := w.Wiki.Target("Sub/From", ref); strings.Contains("/"+target.Name+"/", "/../") {
				t.Errorf("%q leads to the name %q", hostile, target.Name)
			}
		}
	}
}

func concurrent(t *testing.T, ctx context.Context, w World) {
	const edits, readers = 8, 4
	text := func(i int) string {
		return fmt.Sprintf("state %d ", i) + strings.Repeat("word ", 200) + fmt.Sprintf("end %d", i)
	}
	w.Put("Busy", text(0))
	done := make(chan struct{})
	var reading sync.WaitGroup
	var mu sync.Mutex // protects bodies
	bodies := map[string][]byte{}
	for range readers {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				page, err := w.Wiki.Open(ctx, "Busy")
				if err != nil {
					t.Errorf("Open while it is edited: %v", err)
					return
				}
				whole := false
				for i := range edits + 1 {
					whole = whole || strings.Contains(string(page.Body), text(i))
				}
				if !whole {
					t.Errorf("Open while it is edited: %.60q... is no state of the page", page.Body)
				}
				mu.Lock()
				if before, ok := bodies[page.Revision]; ok && !bytes.Equal(before, page.Body) {
					t.Errorf("two pages of revision %s: %.60q... and %.60q...", page.Revision, before, page.Body)
				}
				bodies[page.Revision] = page.Body
				mu.Unlock()
			}
		})
	}
	for i := range edits {
		w.Put("Busy", text(i+1))
	}
	close(done)
	reading.Wait()
	if page := openPage(t, ctx, w.Wiki, "Busy"); !strings.Contains(string(page.Body), text(edits)) {
		t.Errorf("after the last edit the page is %.60q...", page.Body)
	}
}

func writer(t *testing.T, ctx context.Context, w World) {
	wr, ok := w.Wiki.(wiki.Writer)
	if !ok {
		t.Skip("takes no pages")
	}
	if s := wr.Syntax(); s != wiki.Markdown && s != wiki.Wikitext {
		t.Errorf("Syntax is %q", s)
	}
	if _, _, err := wr.Source(ctx, "Unwritten"); !errors.Is(err, render.ErrNotFound) {
		t.Errorf("Source of a page that is not there: %v, want ErrNotFound", err)
	}
	for i, name := range []string{"Written", "Two words", "New/Place/Written", "100% it?", "Étage"} {
		if cannot(w, name) {
			continue
		}
		first, err := wr.Write(ctx, name, []byte(textOf(i)), "made by a test", "")
		if err != nil {
			t.Fatalf("Write(%q): %v", name, err)
		}
		if page := openPage(t, ctx, wr, name); !strings.Contains(string(page.Body), textOf(i)) {
			t.Errorf("the page written as %q is %q", name, page.Body)
		}
		text, revision, err := wr.Source(ctx, name)
		if err != nil || strings.TrimSpace(string(text)) != textOf(i) || revision != first {
			t.Errorf("Source(%q) is %q, %q, %v; want %q of %q", name, text, revision, err, textOf(i), first)
		}
		if _, err := wr.Write(ctx, name, []byte("made once more"), "", ""); !errors.Is(err, wiki.ErrConflict) {
			t.Errorf("Write(%q) as new, which it is not: %v, want ErrConflict", name, err)
		}
		second, err := wr.Write(ctx, name, []byte("second state"), "changed by a test", first)
		if err != nil || second == first {
			t.Fatalf("Write(%q) over %q: %q, %v", name, first, second, err)
		}
		if _, err := wr.Write(ctx, name, []byte("third state"), "", first); !errors.Is(err, wiki.ErrConflict) {
			t.Errorf("Write(%q) over a state that has passed: %v, want ErrConflict", name, err)
		}
		w.Put(name, "somebody else was here")
		if _, err := wr.Write(ctx, name, []byte("fourth state"), "", second); !errors.Is(err, wiki.ErrConflict) {
			t.Errorf("Write(%q) over somebody else's edit: %v, want ErrConflict", name, err)
		}
		if page := openPage(t, ctx, wr, name); !strings.Contains(string(page.Body), "somebody else was here") {
			t.Errorf("after three refused writes %q is %q", name, page.Body)
		}
	}
	if _, err := wr.Write(ctx, "Unwritten", []byte("text"), "", "1"); !errors.Is(err, wiki.ErrConflict) {
		t.Errorf("Write over a page that is not there: %v, want ErrConflict", err)
	}
	for _, name := range unnames {
		if _, err := wr.Write(ctx, name, []byte("text"), "", ""); err == nil {
			t.Errorf("Write(%.40q): no error", name)
		}
	}
	race(t, ctx, wr)
}

// race lets several write one state at the same time: one of them does.
func race(t *testing.T, ctx context.Context, wr wiki.Writer) {
	revision, err := wr.Write(ctx, "Raced", []byte("the start"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		writing.Go(func() {
			_, errs[i] = wr.Write(ctx, "Raced", []byte(fmt.Sprintf("state of %d", i)), "", revision)
		})
	}
	writing.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			if page := openPage(t, ctx, wr, "Raced"); !strings.Contains(string(page.Body), fmt.Sprintf("state of %d", i)) {
				t.Errorf("writer %d won, and the page is %q", i, page.Body)
			}
		} else if !errors.Is(err, wiki.ErrConflict) {
			t.Errorf("writer %d lost with %v, want ErrConflict", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d writers over one state won, want one", won, len(errs))
	}
}
