// The wiki that the settings describe.

package serving

import (
	"errors"
	"io"
	"log/slog"

	"pagemap/cmd/internal/config"
	"pagemap/mapping"
	"pagemap/render/cache"
	"pagemap/render/look"
	"pagemap/render/wiki"
	"pagemap/render/wiki/directory"
	"pagemap/render/wiki/mediawiki"
	"pagemap/render/wiki/remote"
)

// ErrNoWiki is the error of OpenWiki where no wiki is set.
var ErrNoWiki = errors.New("no wiki is set up: set wiki to a directory or a wiki's URL")

// maxAnswer is the largest answer of a wiki that is read, in bytes.
const maxAnswer = 8 << 20

// OpenWiki opens the wiki of the settings. Close it.
func OpenWiki(s *config.Settings) (w wiki.Wiki, closeWiki func() error, err error) {
	a, err := s.WikiAddress()
	if err != nil {
		return nil, nil, err
	}
	user, password, err := s.WikiCredentials()
	if err != nil {
		return nil, nil, err
	}
	switch a.Kind {
	case "":
		return nil, nil, ErrNoWiki
	case config.WikiDirectory:
		w, err = directory.Open(a.Dir)
	case config.WikiMediaWiki:
		w, err = mediawiki.New(mediawiki.Options{API: a.URL, User: user, Password: password, Timeout: s.WikiTimeout, MaxBytes: maxAnswer})
	default: // a template has no kind, and only it has a text
		o := remote.Options{Template: a.Text, Base: a.URL, Select: s.WikiSelect, User: user, Password: password, Timeout: s.WikiTimeout, MaxBytes: maxAnswer}
		if a.Kind != config.WikiTemplate {
			o.Kind = remote.Kind(a.Kind)
		}
		w, err = remote.New(o)
	}
	if err != nil {
		return nil, nil, err
	}
	if c, ok := w.(io.Closer); ok {
		return w, c.Close, nil
	}
	return w, func() error { return nil }, nil
}

// Wiki draws the pages of the settings' wiki.
type Wiki struct {
	*wiki.Source
	Wiki  wiki.Wiki
	Looks *look.Looks
	close func() error
}

// NewWiki returns what draws the pages of the settings' wiki, whose links lead where the
// table says; pages that keep more than this process does, such as a *cache.Cache, tell it what the pool
// knows. The error is ErrNoWiki where no wiki is set. Close it.
func NewWiki(s *config.Settings, table func() *mapping.Table, pages any, log *slog.Logger) (*Wiki, error) {
	w := &Wiki{}
	var err error
	if w.Wiki, w.close, err = OpenWiki(s); err != nil {
		return nil, err
	}
	if w.Looks, err = look.Open(s.Looks, log); err != nil {
		_ = w.close()
		return nil, err
	}
	_, near := w.Wiki.(*directory.Wiki)
	o := wiki.Options{
		Wiki: w.Wiki, Near: near, Look: w.Looks.For, Table: table, Hosts: s.Hosts(), Site: s.Site,
		Text: s.WikiLinks == config.WikiLinksText, Poll: s.WikiPoll, Timeout: s.WikiTimeout, Logger: log,
	}
	if shared, ok := pages.(interface{ Store(string) *cache.Store }); ok {
		o.Store = shared.Store("wiki " + s.Wiki)
	}
	if w.Source, err = wiki.NewSource(o); err != nil {
		_ = w.close()
		return nil, err
	}
	return w, nil
}

// Close gives back what the wiki holds.
func (w *Wiki) Close() error { return errors.Join(w.Source.Close(), w.close()) }
