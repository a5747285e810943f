package guard

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		address string
		public  bool
	}{
		{"93.184.215.14:80", true}, {"[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443", true}, {"8.8.8.8:53", true},
		{"127.0.0.1:80", false}, {"127.9.9.9:80", false}, {"10.1.2.3:80", false}, {"172.16.0.1:80", false}, {"172.32.0.1:80", true},
		{"192.168.0.1:80", false}, {"169.254.169.254:80", false}, {"100.64.0.1:80", false}, {"0.0.0.0:80", false}, {"0.1.2.3:80", false},
		{"224.0.0.1:80", false}, {"255.255.255.255:80", false}, {"240.0.0.1:80", false}, {"198.18.0.1:80", false}, {"192.0.2.1:80", false},
		{"[::1]:80", false}, {"[::]:80", false}, {"[::ffff:127.0.0.1]:80", false}, {"[::ffff:8.8.8.8]:80", true}, {"[fe80::1%eth0]:80", false},
		{"[fd00::1]:80", false}, {"[ff02::1]:80", false}, {"[64:ff9b::7f00:1]:80", false}, {"[2002:7f00:1::]:80", false}, {"[::7f00:1]:80", false},
		{"[2001::1]:80", false}, {"[2001:db8::1]:80", false}, {"[fec0::1]:80", false}, {"nonsense", false}, {"localhost:80", false},
	} {
		if err := Check(test.address); (err == nil) != test.public || err != nil && !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v, want public %v", test.address, err, test.public)
		}
	}
}

func TestTransport(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://localhost:"+r.Host[strings.LastIndex(r.Host, ":")+1:]+"/", http.StatusFound)
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	get := func(url string, allowed ...string) error {
		transport := Transport(allowed...)
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get(url)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	// A proxy would dial in our place.
	t.Setenv("HTTP_PROXY", server.URL)
	t.Setenv("http_proxy", server.URL)
	if err := get("http://127.0.0.1:1/x"); !errors.Is(err, ErrPrivate) || asked.Load() != 0 {
		t.Errorf("with a proxy set: %v, %d requests", err, asked.Load())
	}
	for name, test := range map[string]struct {
		url     string
		allowed []string
		refused bool
	}{
		"loopback":                   {url: server.URL, refused: true},
		"a name for it":              {url: "http://localhost:" + host[strings.LastIndex(host, ":")+1:], refused: true},
		"named":                      {url: server.URL, allowed: []string{"127.0.0.1"}},
		"named with its port":        {url: server.URL, allowed: []string{host}},
		"another port is named":      {url: server.URL, allowed: []string{"127.0.0.1:1"}, refused: true},
		"a redirect to another name": {url: server.URL + "/away", allowed: []string{"127.0.0.1"}, refused: true},
		"both are named":             {url: server.URL + "/away", allowed: []string{"127.0.0.1", "localhost"}},
	} {
		if err := get(test.url, test.allowed...); test.refused != errors.Is(err, ErrPrivate) || !test.refused && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !Allowed([]string{"[::1]"}, "[::1]:80") || !Allowed([]string{"::1"}, "[::1]:80") || Allowed([]string{"example.org"}, "sub.example.org:80") {
		t.Error("names of IPv6 hosts, or sub-domains")
	}
}
