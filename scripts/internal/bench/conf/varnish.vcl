# Varnish in front of Apache's static files. A page is kept as Apache sends it, and once more compressed, so that
# neither reader costs work.
vcl 4.1;

backend apache {
  .host = "127.0.0.1";
  .port = "{{.Port}}";
}

sub vcl_recv {
  unset req.http.X-Gzip;
  if (req.http.Accept-Encoding ~ "gzip") {
    set req.http.X-Gzip = "1";
  }
}

sub vcl_hash {
  hash_data(req.http.X-Gzip);
}

sub vcl_backend_response {
  if (bereq.http.X-Gzip && beresp.http.Content-Type ~ "^text/") {
    set beresp.do_gzip = true;
  }
}
