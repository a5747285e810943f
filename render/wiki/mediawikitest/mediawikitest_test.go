package mediawikitest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// body returns the answer to a GET of a path.
func (s *Server) body(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get(s.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestLife(t *testing.T) {
	s := Start(t, Options{})
	other := Start(t, Options{})
	for _, title := range []string{"About us", "What? 100%: a/b & c+d.png", "Überblick/日本"} {
		s.Write(title, "the text of it")
		path := "/wiki/" + url.PathEscape(strings.ReplaceAll(title, " ", "_"))
		if code, b := s.body(t, path); code != 200 || !strings.Contains(b, "the text of it") {
			t.Errorf("%s: %d, %.300s", title, code, b)
		}
		if code, _ := other.body(t, path); code != 404 {
			t.Errorf("%s: status %d in another wiki", title, code)
		}
	}
	s.Move("About us", "About them")
	s.Delete("About them")
	if code, _ := s.body(t, "/wiki/About_them"); code != 404 {
		t.Errorf("a deleted page has status %d", code)
	}
	picture := image.NewGray(image.Rect(0, 0, 400, 300))
	picture.Set(1, 1, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	s.Upload("Picture.png", file.Bytes())
	s.Write("Shown", "[[File:Picture.png|thumb|120px]]")
	if code, b := s.body(t, "/wiki/Shown"); code != 200 || !strings.Contains(b, "/images/") {
		t.Errorf("Shown: %d, %.3000s", code, b)
	} else {
		_, rest, _ := strings.Cut(b, `src="/images/`)
		src, _, _ := strings.Cut(rest, `"`)
		if code, b := s.body(t, "/images/"+src); code != 200 || !strings.HasPrefix(b, "\x89PNG") {
			t.Errorf("/images/%s: %d, %.100s", src, code, b)
		}
	}

	before := s.URL()
	s.Stop()
	if _, err := http.Get(before); err == nil {
		t.Error("a stopped wiki answers")
	}
	s.Start()
	if s.URL() != before {
		t.Errorf("URL() = %q, was %q", s.URL(), before)
	}
	if code, _ := s.body(t, "/wiki/Shown"); code != 200 {
		t.Errorf("status %d after the start", code)
	}
	s.Maintain("runJobs.php")
}
