vcl 4.1;

# A Varnish (7.1 or later) in front of pagemap's Apache: hot pages are answered by Varnish, and forgotten when the page
# changes. Use this or pagemap-edge.conf, not both.
#
# Going live:  set the backend below; set edge = varnish+http://HOST:PORT of this Varnish, and edge-secret-file, of
#              pagemapd; start varnishd -f varnish.vcl -p http_gzip_support=off
#              Without that parameter Varnish keeps gzip alone and unpacks it for readers who take none, with an ETag
#              that is not pagemap's.
# Going back:  let readers reach Apache again.
#
# What is stored the responder says, with s-maxage. It tells Varnish of every change with a PURGE that carries the
# pool's secret. Varnish does not know the secret: it asks the responder, with a DELETE, and forgets the page if the
# answer is 204.

backend pagemap {
  .host = "127.0.0.1";
  .port = "80";
  .connect_timeout = 2s;
  .first_byte_timeout = 20s;
  .between_bytes_timeout = 20s;
  # Readers' connections are more than these; Apache closes idle ones after KeepAliveTimeout.
  .max_connections = 200;
}

sub vcl_recv {
  # Headers by which this file speaks to itself; nobody else may set them.
  if (req.restarts == 0) {
    unset req.http.Pagemap-Stale;
    unset req.http.Pagemap-Purged;
  }
  if (req.http.Pagemap-Purged) {
    # The responder has agreed.
    set req.method = "GET";
    return (purge);
  }
  if (req.method == "PURGE") {
    set req.method = "DELETE";
    set req.http.Pagemap-Purge = "1";
    return (pass);
  }
  unset req.http.Pagemap-Purge;
  if (req.method != "GET" && req.method != "HEAD") {
    return (pass);
  }
  if (req.http.Authorization) {
    return (pass);
  }
  # Which encodings a reader takes, in one of three forms: as many copies of a page there are. Codings with a weight
  # below 1 do not count. Of ranges the responder takes care, where Varnish does not have the plain bytes.
  if (req.http.Range) {
    unset req.http.Accept-Encoding;
  } elsif (req.http.Accept-Encoding) {
    if (req.http.Accept-Encoding ~ ";") {
      set req.http.Accept-Encoding = regsuball(req.http.Accept-Encoding, "(?i)[^,]*;\s*q\s*=\s*0[^,]*", "");
    }
    if (req.http.Accept-Encoding !~ "(?i)(?:^|[\s,])(?:x-)?gzip(?:[\s,;]|$)") {
      unset req.http.Accept-Encoding;
    } elsif (req.http.Accept-Encoding ~ "(?i)(?:^|[\s,])br(?:[\s,;]|$)") {
      set req.http.Accept-Encoding = "br, gzip";
    } else {
      set req.http.Accept-Encoding = "gzip";
    }
  }
  # No copy is served beyond its lifetime, but in an outage.
  if (req.http.Pagemap-Stale) {
    set req.grace = 1h;
  } else {
    set req.grace = 0s;
  }
  return (hash);
}

sub vcl_hash {
  # One site, whatever name it was asked by; a query makes no other page. What a query does change is not stored.
  hash_data(regsub(req.url, "\?.*$", ""));
  return (lookup);
}

sub vcl_miss {
  # /data is Apache's own, and large: nothing of it is stored, and nobody waits for another's.
  if (req.url ~ "^/+(?:data|\.well-known/acme-challenge)(?:/|$)") {
    return (pass);
  }
}

sub vcl_backend_fetch {
  # A page that Varnish refreshes shall come as a whole, not as a 304, whose headers are those of a private answer.
  unset bereq.http.If-None-Match;
  unset bereq.http.If-Modified-Since;
}

sub vcl_backend_response {
  if (beresp.status >= 500 && !bereq.uncacheable && (bereq.is_bgfetch || !bereq.http.Pagemap-Stale)) {
    # Perhaps there is an old copy: vcl_synth looks.
    return (abandon);
  }
  if (beresp.status != 200 || beresp.http.Cache-Control !~ "s-maxage=") {
    # For a second readers of it do not wait for each other; an answer that may be stored ends that.
    set beresp.ttl = 1s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    set beresp.uncacheable = true;
    return (deliver);
  }
  # What tells of the moment when a page was stored need not be sent with it later.
  unset beresp.http.Cache-Status;
  unset beresp.http.Server;
  # beresp.ttl is s-maxage.
  set beresp.grace = 10m;
  set beresp.keep = 0s;
  return (deliver);
}

sub vcl_backend_error {
  if (!bereq.uncacheable && (bereq.is_bgfetch || !bereq.http.Pagemap-Stale)) {
    return (abandon);
  }
}

sub vcl_synth {
  if (resp.status == 503 && req.restarts == 0 && (req.method == "GET" || req.method == "HEAD")) {
    set req.http.Pagemap-Stale = "1";
    return (restart);
  }
}

sub vcl_deliver {
  if (req.http.Pagemap-Purge && req.restarts == 0 && resp.status == 204) {
    set req.http.Pagemap-Purged = "1";
    return (restart);
  }
  # How the cache works is nobody's business.
  unset resp.http.X-Varnish;
  unset resp.http.Via;
}
