// Package apache holds the configurations that put a site behind Apache, and
// prints them for the settings of a site.
//
// Each file is ready as it is, states the reason of every directive, and takes
// its settings from Apache's Define. A virtual host goes live by including one
// of the four ways, and back by no longer including it:
//
//	pagemap.conf           mod_proxy_fcgi over a unix socket, the default
//	pagemap-tcp.conf       mod_proxy_fcgi over TCP
//	pagemap-balancer.conf  mod_proxy_fcgi, responders on several hosts
//	pagemap-fcgid.conf     mod_fcgid starts the responders
//
// which themselves include
//
//	pagemap-proxy.conf     what the three of mod_proxy_fcgi share
//	pagemap-data.conf      what Apache serves itself, and what holds for every URL
//
// Beside any but the last may stand
//
//	pagemap-edge.conf      hot pages answered by Apache itself, from shared memory
//
// and before it one of
//
//	pagemap-admin-basic.conf  the admin page, signed in to by the browser's dialogue
//	pagemap-admin-form.conf   by a form
//	pagemap-admin-ldap.conf   by the dialogue, with users of a directory
//
// which include pagemap-admin.conf. Only what comes through its <Location> carries the
// secret by which the responder knows that Apache has authenticated the user.
//
// Outside a virtual host stands, if wanted, pagemap-server.conf. The file
// private.conf is a whole unprivileged server around them, for trials and tests.
//
// A request goes this way. /.well-known/acme-challenge/ is answered from the
// webroot of the certificate client. /data is the file tree: no listing, no
// execution, no symbolic link, neither dotfiles nor leftovers nor sources of
// programs (404), nothing that the tree's .htaccess files restricted (403);
// pages there are kept out of search engines. TRACE is refused. All else, with
// any method, is the responder's.
//
// With the edge, what the responder allows to be stored for others (s-maxage) is
// answered from mod_cache_socache, before all of this; the responders send a DELETE
// through the cache when a page changes (package edge). varnish.vcl is the same
// for a Varnish in front of Apache.
package apache

import "embed"

// Files are the configuration files.
//
//go:embed *.conf
var Files embed.FS
