// Unavailable: the source of a kind that is not set up.

package render

import (
	"context"
	"fmt"
)

// Unavailable is a Source that has no page at present: ErrUnavailable, with its text
// as the reason ("no wiki is set up").
type Unavailable string

// Stat implements Source.
func (u Unavailable) Stat(_ context.Context, p Page) (Revision, error) {
	return Revision{}, u.err(p.Ref)
}

// Render implements Source.
func (u Unavailable) Render(_ context.Context, p Page) (*Document, error) {
	return nil, u.err(p.Ref)
}

func (u Unavailable) err(ref string) error {
	return fmt.Errorf("%w: %q: %s", ErrUnavailable, ref, string(u))
}
