// Where links lead.

package directory

import (
	"net/url"
	"path"
	"strings"

	"pagemap/render/wiki"
)

// Target implements wiki.Wiki.
func (w *Wiki) Target(from string, ref *url.URL) wiki.Target {
	switch {
	case ref.Scheme != "", ref.Host != "", strings.HasPrefix(ref.Path, "/"):
		return wiki.Target{URL: ref.String()}
	case ref.Path == "":
		return wiki.Target{Name: from, Fragment: ref.Fragment}
	}
	name := path.Join(path.Dir(from), ref.Path)
	for _, ext := range []string{markdownExt, htmlExt} {
		if page, ok := strings.CutSuffix(name, ext); ok {
			name = page
			break
		}
	}
	if !nameable(name) {
		return wiki.Target{}
	}
	return wiki.Target{Name: name, Fragment: ref.Fragment}
}
