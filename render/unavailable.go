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
func (u Unavailable) Stat(_ context.Context, ref string) (Revision, error) {
	return Revision{}, u.err(ref)
}

// Render implements Source.
func (u Unavailable) Render(_ context.Context, ref string) (*Document, error) {
	return nil, u.err(ref)
}

func (u Unavailable) err(ref string) error {
	return fmt.Errorf("%w: %q: %s", ErrUnavailable, ref, string(u))
}
