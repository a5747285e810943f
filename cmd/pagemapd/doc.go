// Command pagemapd answers a site's requests from its page table.
//
// # Roles
//
// What a process does follows from its settings, looked at in this order:
//
//   - A worker (--worker, used by the pool alone) has the descriptors that
//     package pool describes, and its settings as a file on descriptor 5.
//   - Spawned: neither listen nor http is set, and descriptor 0 is a listening
//     socket, as mod_fcgid arranges it. The process starts from the snapshot
//     where there is one, polls the database and does not listen to it, and has
//     no admin listener.
//   - Plain HTTP: http is set, or there is neither listen nor a database. One
//     process serves the whole site, /data too, and prints its URL on standard
//     output. With no database, tree or mapping file it is the example site.
//   - A pool, where workers is above 1: the parent opens the FastCGI and the
//     admin listener, and the workers answer.
//   - One FastCGI responder otherwise.
//
// # The table
//
// With a database the table follows it, and files without a row are written to
// it. Without one it is made of the tree, read once, and the rows of the mapping
// file over it; a file without a row is added when it is first asked for. A
// mapping file that has changed is read once it has stayed the same for 200 ms.
// One with a mistake, or with a redirect that comes back to itself, changes
// nothing and is logged; at the start it is an error.
//
// # Signals
//
// SIGTERM and SIGINT finish the requests that were begun and end the process
// with exit code 0; further ones change nothing. SIGHUP rereads the settings: a
// pool's workers are replaced one after another, another process puts a new
// handler in force. Bad settings change nothing and are logged, and so is each
// changed setting that waits for the next start.
//
// # Admin pages
//
// /healthz answers 200 from any process that lives. /readyz is JSON, and 503
// where requests should go elsewhere: while draining, and when the database has
// another schema. A database or memcached that is down is a warning in it, since
// neither keeps readers from their pages. A pool is ready as long as one worker
// is. /metrics is for Prometheus; a pool's have the label worker.
//
// # Exit codes
//
// 0 done, 2 wrong use, 3 failed.
package main
