// Package verify proves that no URL broke.
//
// It takes an inventory of URLs that must work, asks what each of them answers, and
// says what got worse. Asked is the site's own handler in this process (Handler)
// or a server (Live): the one is as fast as the disk, the other proves the whole stack. It
// is made for a build server, which runs it after every change, and for the night before
// a switch, when the old server is recorded and the new one compared with it.
//
// # Inventories
//
// An inventory is a file, compressed with gzip or not, whose first bytes tell what it is:
//
//	sitemap     XML (sitemaps.org): urlset, or sitemapindex with the sitemaps that it
//	            names, looked for beside it by the last part of their names
//	access log  common or combined (package accesslog). GET and HEAD requests that were
//	            answered 2xx or 3xx become URLs, each weighed by its number; what was
//	            an error already is counted and left out
//	CSV         with a header: url (or path), and where they are known status, target
//	            (or source) and hits. The mapping's own CSV is one. Without a header the
//	            columns are url, status and target; a list of URLs is one, too
//	baseline    JSON lines that an earlier run has recorded (WriteBaseline)
//
// Crawl makes one of a running site: it asks for a URL and for all that pages,
// style sheets and redirects link to on that host.
//
// URLs on the site's own hosts count by path and query; those of other hosts, and those
// that another part of the server answers (Options.Elsewhere), are counted and left out. The same URL from several inventories is asked once:
// hits add up, and what is expected most exactly counts (CSV, then baselines and
// crawls, then logs and sitemaps, which say no more than that it works).
//
// # Outcome
//
// What a URL answers is followed to its end: at most MaxHops redirects on the
// site, not onto other hosts. The last hop of a data resource to its place below
// the data prefix is no hop: that is where the resource is. Where content is compared, the body
// of the end is read and hashed (SHA-256).
//
// # Worse
//
// Expected stands before the arrow. "Works" is a page or a redirect that ends
// at one; of a URL in a log or a sitemap no more than that is known.
//
//	lost        works -> 404
//	gone        works -> 410
//	refused     works -> another 4xx
//	failed      anything but an error of the server -> 5xx, or no answer
//	loop        a redirect that comes back to itself, or takes more than MaxHops
//	dead        works -> a redirect that ends in an error
//	chain       two redirects or more, where there were fewer
//	front       page -> a redirect to the front page, which is no answer to the question
//	away        page -> a redirect to another host
//	elsewhere   page -> a redirect to a page with other content
//	target      redirect -> a redirect that ends at another place
//	temporary   301 or 308 -> 302, 303 or 307: search engines forget the new place
//	unmoved     redirect -> a page whose content is not that of the old end
//	content     page -> a page with other bytes
//	type        page -> a page of another media type
//	charset     page -> a page of another charset, or with one where it had none
//	forgotten   410 -> 404: search engines ask on
//	exposed     401 or 403 -> a page, or a redirect to one
//	unexpected  anything a CSV says -> anything else
//
// The first one in this order counts: a URL is one difference.
//
// # Fine, and better
//
// Fine is a difference that costs no reader anything: a page that is now a redirect
// to a page with the same content (or to any page but the front page, where the content
// before is not known), a redirect by another way to the same end, a redirect that
// became a page with the content of its end, a temporary redirect that became
// permanent, 404 that became 410, an error that became another one.
//
// Better is an error that became a page or a redirect to one, a chain that became
// one redirect, and an error of the server that is none any more.
//
// A class may be accepted: its differences are listed, and are no regressions. So
// "content" is accepted where pages are moving to a wiki.
//
// # Crawling
//
// The crawl stays on the host and port of the URL that it begins with and reads no more than
// its limits allow. It is meant for one's own site, so it does not read robots.txt:
// what search engines are asked to leave out must work for readers all the same. Politeness
// is in its pace (CrawlOptions). It never sends anything but GET without cookies, and
// forms are not sent. Links are found in HTML (the elements that load or lead to something,
// srcset and meta refresh too), and in style sheets.
package verify
