// Package mediawiki reads and writes a MediaWiki over its action API (api.php), of release 1.35 or later.
//
// # Names
//
// A page's name is its full title, "About us" or "Help:Contents", as [Wiki.Spell] writes it: spaces for
// underscores, no two in a row, none at the ends, and the first letter large unless the wiki says that it tells them
// apart. Other spellings that MediaWiki takes for the same are taken too. A name that no title can be is not found, without
// asking; so are one with "#" or "|", which the API would cut, pages of negative namespaces ("Special:"), and other
// wikis' prefixes. "Media:Plan.png" is the file itself that "File:Plan.png" describes: an attachment.
//
// # Pages
//
// A page is what action=parse says: HTML without links to edit sections. Redirects are followed, all of
// them; the page has the name of the last. One to a page that is not there is not found. The title is the displayed
// one, without its markup.
//
// The revision is the number of the page's last edit and a hash of title and body, as the body also depends on
// templates, images and on which linked pages there are. MediaWiki says when one of these last changed
// (page_touched), to the second. While that is unchanged and two seconds past, the hash is remembered, and Stat
// asks for no body. It is also what the page's Modified is, so that it moves whenever the body does. What depends on nothing
// but the time (as {{CURRENTTIME}}) is as old as the last change of something else; and a template that changes in the
// second in which MediaWiki has drawn or touched the page is not seen by MediaWiki itself.
//
// An attachment's revision is the SHA-1 of its bytes, which are checked against it. A file that is
// in another wiki's repository is not found.
//
// # Changes
//
// A point is the wiki's own clock at the poll before. Each poll lists the recent changes since 64 s before that point: edits, new
// pages, and the log's (moves, with both names, deletions, uploads, imports). A row is told when it is new and again at the first
// poll after it is 1, 2, 4, ... 64 s old, and as long as its second lasts. So nothing is lost among rows of one second, nor when
// one becomes visible later than a younger one, and what follows from a change later is seen too: with each row come the pages that
// it bears upon: those which transclude it, show the file, or link to a page that came or went, where they were
// touched since they were last told. MediaWiki touches them in a job; so they are told at the first poll where jobs run at
// once, and else at most as late again as the job was, up to 64 s.
//
// Names are told as Spell writes them. A redirect is not told when its target changes: its State has the target's name.
// Purges, and jobs that come more than 64 s late, are told by nothing.
//
// # Links
//
// [Wiki.Target] knows the wiki's addresses from siteinfo, which is read once: the article path, index.php?title=TITLE and
// index.php/TITLE, on the wiki's public host or the API's. Links to a page as it is read (and red links to where it can be
// made) have its name; with other parameters, and to special pages, they have a URL alone. Files in the
// upload directory, and thumbnails of them, have the name of the attachment "Media:...". While the wiki was never reached, the usual
// addresses beside api.php stand for those of siteinfo.
//
// # Writing
//
// A page is written with action=edit, as that user whose credentials are given (a bot password, or an
// account's), else by nobody, which most wikis refuse. The revisions of Source and Write are numbers of edits. A page is
// made only where there is none, and changed only where its last edit has the number given; else
// that is wiki.ErrConflict. Of two edits that MediaWiki gets in the same moment it may merge those that
// touch different paragraphs.
//
// # Errors
//
// The API answers errors with status 200. "missingtitle", "invalidtitle" and "pagecannotexist" are
// render.ErrNotFound; all others, such as "maxlag", "readonly" or an answer that is no JSON, are render.ErrUnavailable.
// With credentials, all requests are made as that user ("assert=user"), so private wikis can be read; the session is renewed when
// it has ended. Refused credentials are tried again after a minute.
package mediawiki

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"pagemap/render/wiki"
	"pagemap/render/wiki/fetch"
)

// remembered is how many pages' hashes are remembered, so that Stat need not ask for bodies.
const remembered = 20_000

// Options of New.
type Options struct {
	API            *url.URL      // of api.php
	User, Password string        // "": nobody
	Timeout        time.Duration // of one request; 0: 10 s
	MaxBytes       int64         // of one answer: a page's HTML in JSON, or an attachment; 0: 8 MiB
	MaxConns       int           // requests at a time; 0: 4
}

// Wiki is a MediaWiki.
type Wiki struct {
	o      Options
	client *fetch.Client
	hashes *otter.Cache[string, string] // of bodies, by info.key

	site    atomic.Pointer[site] // nil: not yet read
	reading sync.Mutex           // held while it is read
	failed  time.Time            // when reading last failed; under reading

	login session
}

var (
	_ wiki.Writer  = (*Wiki)(nil)
	_ wiki.Speller = (*Wiki)(nil)
)

// New returns a wiki. It is not asked for anything yet.
func New(o Options) (*Wiki, error) {
	fo := fetch.Options{Site: o.API, Timeout: o.Timeout, MaxBytes: o.MaxBytes, MaxConns: o.MaxConns}
	if o.User != "" {
		fo.Jar = &jar{}
	}
	client, err := fetch.New(fo)
	if err != nil {
		return nil, fmt.Errorf("mediawiki: %w", err)
	}
	hashes, err := otter.New(&otter.Options[string, string]{MaximumSize: remembered})
	if err != nil {
		return nil, fmt.Errorf("mediawiki: %w", err)
	}
	return &Wiki{o: o, client: client, hashes: hashes}, nil
}

// Syntax is wiki.Wikitext.
func (w *Wiki) Syntax() wiki.Syntax { return wiki.Wikitext }
