// HTTPS: the same answers as over HTTP.

package apache_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
)

func TestTLS(t *testing.T) {
	file, roots := certificate(t)
	s := up(t, options{server: fmt.Sprintf(
		"LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\nSSLEngine on\nSSLCertificateFile %q", file)})
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for target, want := range map[string]struct {
		status   int
		location string
	}{
		"/about.html":           {status: 200},
		"/./about.html":         {301, "/about.html"}, // a path: the scheme stays what it is
		"/docs/../about.html?x": {301, "/about.html?x"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+s.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.URL.Opaque = host, target
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want.status || res.Header.Get("Location") != want.location {
			t.Errorf("GET %s: %d %q, want %d %q", target, res.StatusCode, res.Header.Get("Location"), want.status, want.location)
		}
		if want.status != 200 {
			continue
		}
		if page, err := os.ReadFile(filepath.Join(s.world.Dir, target)); err != nil || string(page) != string(body) {
			t.Errorf("GET %s: %d bytes, the file has %d (%v)", target, len(body), len(page), err)
		}
	}
}

// certificate is a file with a new key and its certificate for the tests' host.
func certificate(t *testing.T) (file string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	file = filepath.Join(apachetest.Dir(t), "site.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return file, roots
}
