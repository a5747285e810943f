// Package cache keeps drawn pages in two tiers, and lets each page be drawn by
// one reader for everybody who waits for it. The first tier is the responder's
// own memory, the second is memcached, which the responders of a pool share.
//
// # Keys
//
// A key names every input of a page, so nothing is ever purged or updated: a
// changed input makes another key, and a late writer writes where nobody reads.
// [KeyOf] is the SHA-256 of the inputs, one after another, each behind its length
// (uvarint), the whole behind the format version. No two lists of inputs
// give the same bytes to hash. In memcached the key is Options.Prefix and the
// hash in unpadded base64url, 43 characters; with "lock:" between the two it is
// the key's lock. Keys are therefore always of [!-~]{1,250}: a longer
// one, or one with a space, would make memcached take the value for commands.
//
// A document is kept only if it is not Volatile and its Revision is one of the
// inputs, letter for letter. A page whose source changed between
// the making of its key and the reading of the source is thus sent, and kept
// under no key.
//
// # Values
//
// Numbers are big-endian. A value in memcached is
//
//	 4 bytes  "PMC" and the format version
//	32 bytes  HMAC-SHA256 of everything else in the value
//	32 bytes  the key's hash
//	 8 bytes  Modified, seconds since 1970, signed
//	 4 bytes  Modified, nanoseconds
//	 1 byte   Complete: 0 or 1
//	 4 bytes  size of the body
//	28 bytes  lengths of Type, Language, Revision, ETag, Body, Gzip, Brotli
//	          these seven, and nothing behind them
//
// Where there is Gzip, and the body is not above render.MaxKept, Body has no bytes: it is unpacked from Gzip, for readers
// who take no encoding. So several times as many pages have room, each of them is sent, hashed and copied sooner, and unpacking
// one takes a fraction of the time that drawing it would. Gzip that does not unpack to exactly the size is rejected there.
//
// Whoever reaches memcached could plant a script in a page, so nothing is believed
// before its HMAC is checked. Without Options.HMACKey the HMAC has the empty key and
// is a checksum only: that is allowed where every server is a unix socket or on the
// loopback interface, and refused by [New] elsewhere. A value with anything
// wrong (truncated, tampered with, of another key or version) is counted,
// treated as a miss, and overwritten with the page drawn anew.
//
// A value above 1 MiB less 512 bytes is not sent: memcached would refuse it,
// and drop the older item while it does. Such a page is kept in memory alone. Values
// expire after 7 days (a time above 30 days would be taken for a date in 1970),
// locks after 5 seconds.
//
// # Forms
//
// Readers of a page are of two kinds: those who are best sent an encoding (render.Packs), nearly all browsers, and those
// who are sent the body, as most robots and all who ask for a range. Memory keeps for each kind, once one has come, what
// it is sent: the packed form, or the plain one (package render). A page of 10 KB thus takes 3 KB of memory for the first
// kind, 6 KB when it is complete, 10 KB for the second, and none for a kind that does not come.
//
// # The way of a request
//
// A hit in memory answers at once and allocates nothing. Otherwise one reader
// of each key and form goes on in a goroutine of its own and the others wait for it. It looks into
// memory once more (it may have come just after another had finished), then into
// memcached. Where both miss, it adds the key's lock to memcached. Whoever finds
// the lock taken looks again every few milliseconds, for 200 ms at most, and then
// draws the page itself: a lock can make a reader wait, never fail. Who took the
// lock draws the page, keeps it in both tiers, and leaves the lock to
// expire; where nothing was kept it removes the lock, and the next one takes it.
//
// A page that is Local, drawn as quickly as memcached could be asked for it, is for readers of the plain form neither looked for
// in memcached nor kept there nor encoded: of a file, reading it is all that such a reader needs, and memcached has no
// body to give without work. That takes so little that it may be done by the goroutine that asks ([Cache.Draw]), of 32 pages at a
// time; while one does, others go the usual way, and wait for it.
//
// # Memory
//
// The memory tier is bounded in bytes, of documents and overhead; each process of a pool has
// its own. While it has room it takes every page. When it is full, a page is let in when it comes for the second time of late,
// drawn or from memcached, and stays by W-TinyLFU in place of pages that are used less. A crawler that reads every page once
// thus neither flushes the pages that readers use nor ages what is known of their use. What came of
// late is a table of parts of keys, four bytes for each 256 of the tier.
//
// # Encodings
//
// A page that goes to memcached has gzip, made when it is drawn. Once it is found in memory for a reader who takes an encoding
// that it has not got, its missing encodings are made, in the background (Cache.Complete): so a page costs the making of brotli
// only when it is asked for a second time, by somebody who takes it, and no reader waits for it. One page at a time is worked on in a process, and
// then the process rests nine times as long as that took, which bounds the work to a tenth of one processor;
// readers meanwhile get what there is, and a later one begins it. Pages that are asked for most
// are therefore complete first. Memcached is asked before whether another
// responder has done the work. The complete document takes the old one's place in both tiers; the key stays,
// as the encodings follow from what it names. A page that cannot be encoded is logged
// and left as it is in this process. With Options.CompleteAtOnce a page is completed before it is kept, by whoever draws it
// or finds it incomplete in memcached.
//
// # The fill
//
// A fill is detached from the request that began it: its context has the
// values of the request's, but neither its end nor its deadline, only
// Options.FillTimeout. A reader who goes away gets its context's error and takes
// nothing from the others. A fill that panics is logged with its stack, and an error for all of them.
//
// # When memcached fails
//
// The cache may fail, the page may not: each operation has Options.Timeout
// for everything from the look-up of the server's name to the last byte, and any failure is
// counted and is a miss. A server that failed is left alone, for 100 ms at first;
// then one operation tries it, and each failed attempt doubles the time, up to
// 10 s. The first success ends it. A server that answers SERVER_ERROR is alive, and is not
// left alone. An answer longer than an item can be is refused before it is read.
//
// Among several servers a key belongs to the one whose name, hashed with the key, gives the
// highest number (rendezvous hashing, which spreads keys more evenly than a ring of
// points, and like it moves only a leaving server's keys). Keys of a server that
// is left alone are misses rather than moved to another: were they moved,
// each responder would move them at another moment, and each return would
// leave the copies behind as waste.
package cache
