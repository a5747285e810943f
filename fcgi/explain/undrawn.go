// Undrawn: the cache of a handler that nobody reads pages from.

package explain

import (
	"context"
	"slices"

	"pagemap/render"
)

// Undrawn is a cache that keeps nothing, for an Explainer's handler. It implements
// site.Pages. It remembers, for a context made by witnessed, under which inputs it
// was asked.
type Undrawn struct{}

type inputsKey struct{}

func witnessed(ctx context.Context, inputs *[]string) context.Context {
	return context.WithValue(ctx, inputsKey{}, inputs)
}

// Ready has nothing.
func (Undrawn) Ready(render.Want) (*render.Document, string, bool) { return nil, "", false }

// Draw leaves it to Get.
func (Undrawn) Draw(render.Want, func(context.Context) (*render.Document, error)) (*render.Document, string, bool, error) {
	return nil, "", false, nil
}

// Complete does nothing.
func (Undrawn) Complete(render.Want, *render.Document) {}

// Get draws the page.
func (Undrawn) Get(ctx context.Context, w render.Want, fill func(context.Context) (*render.Document, error)) (*render.Document, string, error) {
	if into, ok := ctx.Value(inputsKey{}).(*[]string); ok {
		*into = slices.Clone(w.Inputs)
	}
	doc, err := fill(ctx)
	return doc, "", err
}
