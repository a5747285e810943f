// Package wikitest is the conformance test of wikis: what package wiki asks of
// each of them, tried on one that is alive.
package wikitest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/wiki"
)

// World is a wiki and the hand that edits it, not through pagemap. The functions
// fail the test that they were made for where they cannot do their work; what they did is
// there when they return.
type World struct {
	Wiki wiki.Wiki

	// Put makes a page of one paragraph of ASCII letters, digits and spaces, or gives a page that text.
	Put func(name, text string)
	// Delete removes a page.
	Delete func(name string)
	// Link is what the body of the page from has as the href of its link to the page to.
	Link func(from, to string) string
	// Cannot reports that the wiki has no pages of such a name; nil: it has them all.
	Cannot func(name string) bool
	// Redirect makes from a name of the page to; nil: the wiki has no redirects.
	Redirect func(from, to string)
	// Attach puts an image of these bytes into the wiki and returns its name as Open
	// takes it; nil: the wiki has no attachments.
	Attach func(image []byte) (name string)
}

// patience is how long a test waits for the wiki at most.
const patience = 2 * time.Minute

// Run tries everything on worlds that open makes, each of which is a wiki without pages of
// the names used here.
func Run(t *testing.T, open func(t *testing.T) World) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, context.Context, World)
	}{
		{"Names", names},
		{"Missing", missing},
		{"Revisions", revisions},
		{"Redirects", redirects},
		{"Attachments", attachments},
		{"Links", links},
		{"List", list},
		{"Changes", changes},
		{"Concurrent", concurrent},
		{"Canceled", canceled},
		{"Writer", writer},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			test.run(t, ctx, open(t))
		})
	}
}

// Names are names that are hard to get right, each of another page.
var Names = []string{
	"Plain", "Two words", "Sub/Page", "Sub/Page/Below", "Sub/Two words", "Éte 日本語", "Straße/Überblick",
	"100%", "50% off", "A%41B", "AAB", "A%2FB", "A/B", "What is it?", "Q?a=b&c=d", "Tale: the first", "C#", "C++", "C  C",
	"R&D", "It's", `Say "hello"`, "Semi;colon", "A=B", "One, two", "At@home", "Tilde~", "Cash$", "(In) brackets", "Star*",
	`Back\slash`, "<b>Angle</b>", "[Square]", "{Curly}", "Pipe|pipe", "Dot.dot", "Name.html", "Three...", "-dash", "&amp;",
	"Plus+Plus", "Plus Plus", "Under score",
}

// unnames are names that no page has, wherever it is looked for.
var unnames = []string{
	"", ".", "..", "./Plain", "../Plain", "Sub/../Plain", "Sub/./Page", "Plain/..", "Sub/..", "Sub/../../Plain", "Plain/.",
	"Nul\x00", "Line\nend", "Line\rend", "Tab\there", "Del\x7f", "Not UTF-8: \xff", "Long " + strings.Repeat("x", 5000),
}

func cannot(w World, name string) bool { return w.Cannot != nil && w.Cannot(name) }

func names(t *testing.T, ctx context.Context, w World) {
	for i, name := range Names {
		if !cannot(w, name) {
			w.Put(name, textOf(i))
		}
	}
	known := 0
	for i, name := range Names {
		page, err := w.Wiki.Open(ctx, name)
		if cannot(w, name) {
			if !errors.Is(err, render.ErrNotFound) {
				t.Errorf("Open(%q), which cannot be: %v, want ErrNotFound", name, err)
			}
			continue
		}
		known++
		if err != nil {
			t.Errorf("Open(%q): %v", name, err)
			continue
		}
		if !strings.Contains(string(page.Body), textOf(i)) {
			t.Errorf("Open(%q) has the body %q, want %q in it", name, page.Body, textOf(i))
		}
		if page.Title == "" || page.Type != "" || page.Revision == "" || page.Name == "" {
			t.Errorf("Open(%q): title %q, type %q, revision %q, name %q", name, page.Title, page.Type, page.Revision, page.Name)
		}
		if state, err := w.Wiki.Stat(ctx, name); err != nil || state != page.State {
			t.Errorf("Stat(%q) is %+v, %v; Open said %+v", name, state, err, page.State)
		}
		again, err := w.Wiki.Open(ctx, page.Name)
		if err != nil || !strings.Contains(string(again.Body), textOf(i)) || again.Name != page.Name {
			t.Errorf("Open(%q), the own name of %q: %v", page.Name, name, err)
		}
	}
	if known < 10 {
		t.Errorf("only %d names could be tried", known)
	}
	for _, name := range unnames {
		absent(t, ctx, w.Wiki, name)
	}
}

// textOf is the text of the page with the i-th name.
func textOf(i int) string { return "text number " + strings.Repeat("i", i+1) + " ends" }

func missing(t *testing.T, ctx context.Context, w World) {
	absent(t, ctx, w.Wiki, "Nowhere")
	absent(t, ctx, w.Wiki, "Nowhere/below")
	w.Put("Passing", "not for long")
	if _, err := w.Wiki.Open(ctx, "Passing"); err != nil {
		t.Errorf("Open of a page that is there: %v", err)
	}
	absent(t, ctx, w.Wiki, "Passing/below")
	w.Delete("Passing")
	absent(t, ctx, w.Wiki, "Passing")
	w.Put("Passing", "back again")
	if page, err := w.Wiki.Open(ctx, "Passing"); err != nil || !strings.Contains(string(page.Body), "back again") {
		t.Errorf("Open of a page that was made again: %v", err)
	}
}

// absent checks that no page has a name.
func absent(t *testing.T, ctx context.Context, w wiki.Wiki, name string) {
	t.Helper()
	if page, err := w.Open(ctx, name); !errors.Is(err, render.ErrNotFound) {
		t.Errorf("Open(%.40q) is %v, %v; want ErrNotFound", name, page, err)
	}
	if state, err := w.Stat(ctx, name); !errors.Is(err, render.ErrNotFound) {
		t.Errorf("Stat(%.40q) is %v, %v; want ErrNotFound", name, state, err)
	}
}

func revisions(t *testing.T, ctx context.Context, w World) {
	w.Put("Page", "as it was")
	w.Put("Other", "something else")
	first := openPage(t, ctx, w.Wiki, "Page")
	for range 3 {
		if again := openPage(t, ctx, w.Wiki, "Page"); again.State != first.State {
			t.Errorf("a page that nobody changed was %+v, and is %+v", first.State, again.State)
		}
	}
	w.Put("Other", "quite another thing")
	if again := openPage(t, ctx, w.Wiki, "Page"); again.Revision != first.Revision {
		t.Error("a page's revision changed with another page")
	}
	seen := map[string]string{first.Revision: "as it was"}
	for _, text := range []string{"as it is1", "as it is2", "as it is3", "much longer than it has been"} { // of one length, one soon after another
		w.Put("Page", text)
		page := openPage(t, ctx, w.Wiki, "Page")
		if !strings.Contains(string(page.Body), text) {
			t.Errorf("the page is %q, want %q in it", page.Body, text)
		}
		if before, ok := seen[page.Revision]; ok {
			t.Errorf("%q has the revision of %q", text, before)
		}
		seen[page.Revision] = text
		if !page.Modified.IsZero() && (page.Modified.Before(first.Modified) || time.Until(page.Modified) > time.Minute) {
			t.Errorf("modified at %v, and before that at %v", page.Modified, first.Modified)
		}
	}
}

func openPage(t *testing.T, ctx context.Context, w wiki.Wiki, name string) *wiki.Page {
	t.Helper()
	page, err := w.Open(ctx, name)
	if err != nil {
		t.Fatalf("Open(%q): %v", name, err)
	}
	return page
}

func redirects(t *testing.T, ctx context.Context, w World) {
	if w.Redirect == nil {
		t.Skip("has no redirects")
	}
	w.Put("Target page", "the end of the way")
	w.Redirect("Old name", "Target page")
	target, old := openPage(t, ctx, w.Wiki, "Target page"), openPage(t, ctx, w.Wiki, "Old name")
	if old.Name != target.Name || string(old.Body) != string(target.Body) || old.Title != target.Title {
		t.Errorf("the redirect shows %+v, its target %+v", old, target)
	}
	if state, err := w.Wiki.Stat(ctx, "Old name"); err != nil || state != old.State {
		t.Errorf("Stat of a redirect: %+v, %v; want %+v", state, err, old.State)
	}
	w.Put("Target page", "another end")
	if page := openPage(t, ctx, w.Wiki, "Old name"); page.Revision == old.Revision || !strings.Contains(string(page.Body), "another end") {
		t.Errorf("the target was changed, the redirect shows %q", page.Body)
	}
	w.Redirect("Lost", "No such page")
	absent(t, ctx, w.Wiki, "Lost")
	w.Redirect("Ring one", "Ring two")
	w.Redirect("Ring two", "Ring one")
	if _, err := w.Wiki.Open(ctx, "Ring one"); !errors.Is(err, render.ErrNotFound) && !errors.Is(err, render.ErrUnavailable) {
		if err != nil {
			t.Errorf("Open of a ring of redirects: %v, want a page of the ring, ErrNotFound or ErrUnavailable", err)
		}
	}
}

func attachments(t *testing.T, ctx context.Context, w World) {
	if w.Attach == nil {
		t.Skip("has no attachments")
	}
	name := w.Attach(Image)
	page := openPage(t, ctx, w.Wiki, name)
	if page.Type != "image/png" || string(page.Body) != string(Image) {
		t.Errorf("the attachment is %d bytes of type %q, want %d of image/png", len(page.Body), page.Type, len(Image))
	}
	if state, err := w.Wiki.Stat(ctx, name); err != nil || state != page.State {
		t.Errorf("Stat of an attachment: %+v, %v; want %+v", state, err, page.State)
	}
}

// Image is a PNG of one pixel.
var Image = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82")

func list(t *testing.T, ctx context.Context, w World) {
	all := func() ([]string, error) {
		var names []string
		for name, err := range w.Wiki.List(ctx) {
			if err != nil {
				return names, err
			}
			names = append(names, name)
		}
		return names, nil
	}
	before, err := all()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("does not list its pages")
	}
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	made := []string{"Listed", "Listed/Below", "Two words listed"}
	for i, name := range made {
		w.Put(name, textOf(i))
	}
	after, err := all()
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(after) != len(before)+len(made) {
		t.Errorf("List has %q, and had %q; want %q more", after, before, made)
	}
	for _, name := range made {
		if own := openPage(t, ctx, w.Wiki, name).Name; !slices.Contains(after, own) {
			t.Errorf("List has %q, want %q in it", after, own)
		}
	}
	for range w.Wiki.List(ctx) {
		break // a caller may have enough
	}
}

func changes(t *testing.T, ctx context.Context, w World) {
	w.Put("Changing", "before")
	w.Put("Staying", "the same")
	names, point, err := w.Wiki.Changes(ctx, "")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("tells no changes")
	}
	if err != nil || len(names) != 0 || point == "" {
		t.Fatalf("Changes since now: %q, %q, %v; want no names and a point", names, point, err)
	}
	own := openPage(t, ctx, w.Wiki, "Changing").Name
	// since follows the changes until it has seen one of name.
	since := func(what, name string) {
		t.Helper()
		var all []string
		for range 20 {
			names, next, err := w.Wiki.Changes(ctx, point)
			if err != nil {
				t.Fatalf("Changes after %s: %v", what, err)
			}
			all, point = append(all, names...), next
			if slices.Contains(all, name) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("the changes after %s are %q, want %q in them", what, all, name)
	}
	w.Put("Changing", "after")
	since("an edit", own)
	w.Put("Brand new", "made just now")
	since("a new page", openPage(t, ctx, w.Wiki, "Brand new").Name)
	w.Delete("Changing")
	since("a deletion", own)
	for i := range 5 { // several within one second
		w.Put("Brand new", "made anew "+strings.Repeat("i", i+1))
		since("quick edits", openPage(t, ctx, w.Wiki, "Brand new").Name)
	}
	if _, _, err := w.Wiki.Changes(ctx, "no such point"); err == nil {
		t.Error("Changes since a point that is none: no error")
	}
}

func canceled(t *testing.T, ctx context.Context, w World) {
	w.Put("Page", "a text")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.Wiki.Open(gone, "Page"); err != nil && errors.Is(err, render.ErrNotFound) {
		t.Errorf("Open for nobody: %v; the page is there", err)
	}
	if page, err := w.Wiki.Open(ctx, "Page"); err != nil || !strings.Contains(string(page.Body), "a text") {
		t.Errorf("Open after one that was given up: %v", err)
	}
}
