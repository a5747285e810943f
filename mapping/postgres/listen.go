// NOTIFY as a hint.

package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// heartbeat is how often a listening connection is asked for a sign of life.
const heartbeat = 30 * time.Second

// listen pokes the follower at every notification, and after every time that
// notifications may have been lost. It returns when ctx has ended.
func (f *Follower) listen(ctx context.Context) {
	l := pq.NewDialListener(dialer{silence: 3 * heartbeat}, f.db.dsn, 250*time.Millisecond, slowest, nil)
	go func() {
		// It waits for the first connection. On a replica there is never one
		// that may listen, and polling has to do.
		if err := l.Listen(f.db.channel()); err == nil {
			f.hint()
		}
	}()
	go func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				_ = l.Close() // it is the first time
				return
			case <-ticker.C:
				_ = l.Ping() // a lost connection reconnects by itself
			}
		}
	}()
	for range l.Notify {
		f.hint()
	}
}

// hint makes Run look at once.
func (f *Follower) hint() {
	select {
	case f.poke <- struct{}{}:
	default: // it will look anyway
	}
}
