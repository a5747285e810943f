// The settings of the wiki.

package config

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The kinds of wiki.
const (
	WikiDirectory = "directory" // of Markdown and HTML
	WikiMediaWiki = "mediawiki"
	WikiMoinMoin  = "moinmoin"
	WikiDokuWiki  = "dokuwiki"
	WikiGollum    = "gollum"
	WikiTemplate  = "template" // any that shows a page at a URL
)

// WikiAddress says what the setting wiki names. The zero value is no wiki.
type WikiAddress struct {
	Kind string
	Dir  string   // of a directory
	URL  *url.URL // of all other kinds but a template: api.php's, or where the wiki is
	Text string   // of a template: the URL with {page}
}

// Where links to wiki pages lead that no row leads to.
const (
	WikiLinksWiki = "wiki" // into the wiki
	WikiLinksText = "text" // nowhere: they become text
)

// WikiAddress parses the setting wiki.
func (s *Settings) WikiAddress() (WikiAddress, error) {
	text := s.Wiki
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case text == "":
		return WikiAddress{}, nil
	case !ok:
		return WikiAddress{Kind: WikiDirectory, Dir: text}, nil
	}
	a := WikiAddress{Kind: WikiTemplate, Text: text}
	if kind, of, ok := strings.Cut(scheme, "+"); ok {
		switch kind {
		case WikiMediaWiki, WikiMoinMoin, WikiDokuWiki, WikiGollum:
			a = WikiAddress{Kind: kind}
		default:
			return a, fmt.Errorf("%q is none of mediawiki, moinmoin, dokuwiki and gollum", kind)
		}
		scheme, text = of, of+"://"+rest
	}
	u, err := url.Parse(strings.ReplaceAll(text, "{page}", "page"))
	switch {
	case err != nil || scheme != "http" && scheme != "https" || u.Host == "" || u.Fragment != "":
		return a, fmt.Errorf("%q is neither a directory nor a wiki's URL: write /path/to/it, mediawiki+https://HOST/w/api.php, or https://HOST/{page}?action=content", s.Wiki)
	case u.User != nil:
		return a, fmt.Errorf("%q has a password in it: put user:password into a file, and name that with wiki-credentials-file", u.Redacted())
	case a.Kind == WikiTemplate && strings.Count(text, "{page}") != 1:
		return a, fmt.Errorf("%q has to say once, with {page}, where a page's name goes; or write mediawiki+ before the URL of its api.php", s.Wiki)
	case a.Kind != WikiTemplate && strings.Contains(text, "{page}"):
		return a, fmt.Errorf("%q: {page} is for wikis of no known kind: leave out %s+", s.Wiki, a.Kind)
	}
	if a.Kind != WikiTemplate {
		a.URL = u
	}
	return a, nil
}

// WikiCredentials reads the wiki's user and password; "" without a file.
func (s *Settings) WikiCredentials() (user, password string, err error) {
	secret, err := ReadSecret(s.WikiCredentialsFile)
	if err != nil || secret == nil {
		return "", "", err
	}
	before, after, ok := bytes.Cut(secret, []byte(":"))
	if !ok || len(before) == 0 || len(after) == 0 || bytes.ContainsAny(secret, "\r\n") {
		return "", "", fmt.Errorf("secret: %s does not hold one line with user:password", s.WikiCredentialsFile)
	}
	return string(before), string(after), nil
}

// checkWiki looks at the settings of the wiki; fail makes its errors.
func (s *Settings) checkWiki(fail func(name, format string, args ...any) error) error {
	a, err := s.WikiAddress()
	if err != nil {
		return fail("wiki", "%v", err)
	}
	if s.WikiSelect != "" && (a.Kind == "" || a.Kind == WikiDirectory || a.Kind == WikiMediaWiki) {
		return fail("wiki-select", "%q is for a wiki whose pages are cut out of what it shows at a URL", s.WikiSelect)
	}
	if s.WikiLinks != WikiLinksWiki && s.WikiLinks != WikiLinksText {
		return fail("wiki-links", "%q is neither wiki nor text", s.WikiLinks)
	}
	if s.WikiPoll < 100*time.Millisecond {
		return fail("wiki-poll", "%s is less than 100ms: a wiki is not asked more often", s.WikiPoll)
	}
	if s.WikiTimeout <= 0 || s.WikiTimeout >= s.RequestTimeout {
		return fail("wiki-timeout", "%s is not above zero and below request-timeout, %s", s.WikiTimeout, s.RequestTimeout)
	}
	return nil
}
