// What the responders of a pool tell each other of a wiki.

package wiki

import (
	"bytes"
	"encoding/json"
	"time"
)

// Store is what the responders of a pool know together. Everything in it may be gone at any time, and
// nothing is there that one of them did not put there. A store that cannot be asked is empty.
type Store interface {
	// Get returns the value of a key.
	Get(key string) (value []byte, ok bool)
	// Set gives a key a value.
	Set(key string, value []byte)
	// Lock takes a lock that ends by itself after so long, and is false where another process has it.
	// Where the store cannot be asked it is true.
	Lock(key string, most time.Duration) bool
	// Unlock gives the lock back.
	Unlock(key string)
}

// alone is the store of a process without others.
type alone struct{}

func (alone) Get(string) ([]byte, bool)       { return nil, false }
func (alone) Set(string, []byte)              {}
func (alone) Lock(string, time.Duration) bool { return true }
func (alone) Unlock(string)                   {}

// seen is what the store has under "seen:" and a name: that the wiki was asked, and what it said.
type seen struct {
	State
	Gone    bool `json:",omitempty"`
	Checked time.Time
}

// heading is the first line of what the store has under "page:" and a name; the body is behind it.
type heading struct {
	State
	Title, Type, Edit string `json:",omitempty"`
}

// shared returns what the pool knows of a page, or nil. old is what is known here, or nil.
func (r *remembered) shared(key string, old *pointer) *pointer {
	s, ok := r.seen(key)
	switch {
	case !ok:
		return nil
	case s.Gone:
		return &pointer{checked: s.Checked}
	case old != nil && old.page != nil && same(old.page.State, s.State):
		return &pointer{old.page, s.Checked}
	}
	value, _ := r.store.Get("page:" + key)
	first, body, ok := bytes.Cut(value, []byte("\n"))
	var h heading
	if !ok || json.Unmarshal(first, &h) != nil || !same(h.State, s.State) {
		return nil
	}
	return &pointer{&Page{State: h.State, Title: h.Title, Body: body, Type: h.Type, Edit: h.Edit}, s.Checked}
}

func (r *remembered) seen(key string) (s seen, ok bool) {
	value, ok := r.store.Get("seen:" + key)
	return s, ok && json.Unmarshal(value, &s) == nil
}

// share tells the pool what the wiki said of a page. The page itself is sent where the pool has not got it.
func (r *remembered) share(key string, p *pointer) {
	now := seen{Gone: p.page == nil, Checked: p.checked}
	if p.page != nil {
		now.State = p.page.State
		if before, ok := r.seen(key); !ok || before.Gone || !same(before.State, now.State) {
			first, err := json.Marshal(heading{p.page.State, p.page.Title, p.page.Type, p.page.Edit})
			if err != nil {
				return // a time that JSON does not have
			}
			r.store.Set("page:"+key, append(append(first, '\n'), p.page.Body...))
		}
	}
	if value, err := json.Marshal(now); err == nil {
		r.store.Set("seen:"+key, value)
	}
}
