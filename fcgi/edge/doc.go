// Package edge keeps caches in front of a site exact: what they hold is
// forgotten when the page changes, not when its lifetime ends.
//
// # What is watched
//
// A responder answers with s-maxage what a cache may store, and tells its Watch of
// it: the page's path, and an identity that names all that decides the answer.
// A page is watched until its last such answer is older than the lifetime, plus
// a margin, as no cache serves it from then on. At most Options.MaxPages pages
// are watched; with that many, an answer for another page must not be stored. As those
// stay that are asked for again within the margin, they are the site's hottest after a while. Apache's
// shared memory has room for some 250 (pagemap-edge.conf), in the order in which
// they came: more would drive hot pages out for such as nobody asks for again in time.
//
// Each page is looked at again every Options.Every, and all of them as soon as
// Options.State says something else: the page table was replaced, or the
// settings. Looks at all pages are so far apart that they take a fifth of one
// processor at most. A page whose identity is not what was handed out last has
// changed. So has one that is handed out with another identity than before.
//
// Each responder of a pool does this for what it answered itself.
//
// # Forgetting
//
// A change is sent to every cache three times:
//
//  1. at once;
//  2. after the last older answer of the page has been sent, if one was under
//     way: a cache may store it after the first time. A reader who stalls is
//     waited for as long as a lifetime and a second;
//  3. a second after that, for an older answer that the web server had read and
//     not stored yet.
//
// What an attempt leaves undone is tried again, after 50 ms and then twice as long
// each time, until no cache can serve the old page any more. A cache that is slow
// or away delays neither the others nor any answer; its lost invalidations are
// counted, and the lifetime, 5 s at most, bounds what they do.
//
// # Protocol
//
// An Apache is sent a DELETE for each value of Accept-Encoding that
// its configuration makes of what readers send (Encodings), a Varnish one PURGE.
// Both carry the site's name as Host and the pool's secret in the header
// Pagemap-Invalidate, and come back to the pool: it answers 204 to its own
// secret and 405 to everybody else's requests, and only the former has the cache forget
// (RFC 9111, section 4.4). No cache needs to know the secret.
package edge
