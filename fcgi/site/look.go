// Looks: what was seen of a page's source a moment ago.

package site

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"pagemap/mapping"
	"pagemap/render"
)

const (
	lookFor  = 750 * time.Millisecond // how long a look is good, where Options.LookFor does not say
	elseFor  = 250 * time.Millisecond // at most, of a source that is no file: it may have changed a while ago when it learns of it
	maxLooks = 1 << 14                // that are kept
)

// lookKey says what is looked at, and for which page.
type lookKey struct {
	own    mapping.Path // "": to send to the page's own path
	source mapping.Source
}

// look is what was seen of a source, and what follows from that alone.
type look struct {
	rev    render.Revision
	class  mapping.Class // of a file
	inputs []string      // the page's key
	until  time.Time     // when it is time to look again
	stamp  atomic.Pointer[stamp]
}

// stamp is a time as a header's value.
type stamp struct {
	at   time.Time
	text string
}

// lastModified is t as the value of Last-Modified, "" for the zero time.
func (l *look) lastModified(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if known := l.stamp.Load(); known != nil && known.at.Equal(t) {
		return known.text
	}
	text := t.Format(http.TimeFormat)
	l.stamp.Store(&stamp{t, text})
	return text
}

// look looks at the source of the page that answers, unless that was done a
// moment ago and fresh does not ask for more. A source that may change without
// its revision telling is looked at each time.
func (s *Site) look(ctx context.Context, q *request, a *mapping.Answer, now time.Time, fresh bool) (*look, error) {
	key := lookKey{a.Canonical, a.Source}
	if !fresh {
		if l, ok := s.looks.GetIfPresent(key); ok && now.Before(l.until) {
			return l, nil
		}
	}
	src := s.o.Sources[a.Source.Kind]
	if src == nil {
		return nil, fmt.Errorf("site: %s has no source: %w", a.Source, render.ErrUnavailable)
	}
	rev, err := stat(ctx, q, src, a)
	if err != nil {
		return nil, err
	}
	l := &look{
		rev:    rev,
		inputs: []string{formatVersion, s.o.Settings, string(a.Canonical), "200", a.Source.String(), rev.ID},
		until:  now.Add(s.o.LookFor),
	}
	if a.Source.Kind == mapping.SourceFile {
		l.class = s.class(a.Source.Ref, rev.Size)
	} else if s.o.LookFor > elseFor {
		l.until = now.Add(elseFor)
	}
	if !rev.Volatile && s.o.LookFor > 0 {
		s.looks.Set(key, l)
	}
	return l, nil
}

// stat asks a source for a page's revision. A prompt request takes that of a file, which waits
// for the disk at most, and what another source knows already.
func stat(ctx context.Context, q *request, src render.Source, a *mapping.Answer) (render.Revision, error) {
	if q.prompt && a.Source.Kind != mapping.SourceFile {
		if p, ok := src.(render.Prompter); ok {
			if rev, ok := p.Known(pageOf(a)); ok {
				return rev, nil
			}
		}
		return render.Revision{}, errNotReady
	}
	rev, err := src.Stat(ctx, pageOf(a))
	if err != nil {
		return rev, fmt.Errorf("site: stat %s: %w", a.Source, err)
	}
	return rev, nil
}

func newLooks() (*otter.Cache[lookKey, *look], error) {
	return otter.New(&otter.Options[lookKey, *look]{MaximumSize: maxLooks})
}
