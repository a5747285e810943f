package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandler(t *testing.T) {
	page := bytes.Repeat([]byte("<p>a page</p>\n"), 100)
	h, err := handler(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, accept := range []string{"", "gzip, br"} {
		r := httptest.NewRequest(http.MethodGet, "/any", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var body io.Reader = w.Body
		if accept != "" {
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(got, page) {
			t.Errorf("Accept-Encoding %q: %d bytes, %v", accept, len(got), err)
		}
	}
}
