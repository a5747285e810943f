// The internal links of an HTML page, as request targets.

package main

import (
	"io"
	"net/url"
	"strings"

	"pagemap/mapping/verify"
)

// links calls found with the request target (path and query) of every link of
// the page at target that stays on the site.
func links(page io.Reader, target string, found func(string)) error {
	path, query, _ := strings.Cut(target, "?")
	const site = "site.invalid" // the pages are compared on two hosts: links that name one are not followed
	return verify.Links(page, &url.URL{Scheme: "http", Host: site, Opaque: path, RawQuery: query}, func(to *url.URL) {
		if to.Scheme != "http" || to.Host != site {
			return
		}
		target := to.Opaque
		if to.RawQuery != "" {
			target += "?" + to.RawQuery
		}
		found(target)
	})
}
