// Running scripts.

package sitetest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// RunFiles runs the scripts that glob names, each as a subtest.
func RunFiles(t *testing.T, glob string, w *World, target Target) {
	t.Helper()
	scripts, err := ParseFiles(glob)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		t.Run(s.Name, func(t *testing.T) { Run(t, s, w, target) })
	}
}

// Run runs the cases of a script in their order. Its errors name script and line.
func Run(t *testing.T, s Script, w *World, target Target) {
	t.Helper()
	saved := map[string]string{}
	for _, c := range s.Cases {
		if !c.Runs(target.Tags) {
			continue
		}
		var pairs []string
		for name, value := range saved {
			pairs = append(pairs, "${"+name+"}", value)
		}
		vars := strings.NewReplacer(pairs...)
		q := c.Request.with(vars)
		at := func(line int) string {
			return fmt.Sprintf("%s:%d: %s %.200q", s.Name, line, q.Method, q.Target)
		}
		res, err := target.Do(q)
		if err != nil {
			t.Errorf("%s: %v", at(c.Line), err)
			continue
		}
		failed := false
		complain := func(line int, err error) {
			if err != nil {
				failed = true
				t.Errorf("%s: %v", at(line), err)
			}
		}
		for _, k := range c.Checks {
			if k.Verb == "save" {
				saved[k.Name] = res.Header.Get(k.Op)
				continue
			}
			k.Want = vars.Replace(k.Want)
			complain(k.Line, k.of(res, w.Dir))
		}
		complain(c.Line, Sane(q, res))
		if q.Method == http.MethodGet {
			err := sameHead(target, q, res)
			for range 3 { // an encoding may have come in between, in one worker after the other
				if err == nil {
					break
				}
				if again, e := target.Do(q); e == nil {
					err = sameHead(target, q, again)
				}
			}
			complain(c.Line, err)
		}
		if failed {
			t.Logf("answer: %d %v\n%.300s", res.Status, res.Header, res.Body)
		}
	}
}

// of compares one expectation with an answer.
func (k *Check) of(res *Response, dir string) error {
	switch k.Verb {
	case "status":
		if !slices.Contains(strings.Fields(k.Want), strconv.Itoa(res.Status)) {
			return fmt.Errorf("status %d, want %s", res.Status, k.Want)
		}
		return nil
	case "noheader":
		if v := res.Header[http.CanonicalHeaderKey(k.Name)]; len(v) > 0 {
			return fmt.Errorf("header %s is %q, want none", k.Name, v)
		}
		return nil
	case "header":
		v := res.Header[http.CanonicalHeaderKey(k.Name)]
		if len(v) == 0 {
			return fmt.Errorf("no header %s, want %s %s", k.Name, k.Op, k.Want)
		}
		return compare("header "+k.Name, strings.Join(v, ", "), k.Op, k.Want)
	}
	body := res.Body
	if k.Verb == "gunzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	want, err := wanted(k.Want, dir)
	if err != nil {
		return err
	}
	return compare(k.Verb, string(body), k.Op, want)
}

// wanted is what the right side of a comparison of bodies stands for.
func wanted(s, dir string) (string, error) {
	if s == "empty" {
		return "", nil
	}
	if name, ok := strings.CutPrefix(s, "file:"); ok {
		b, err := os.ReadFile(filepath.Join(dir, name))
		return string(b), err
	}
	if part, ok := strings.CutPrefix(s, "part:"); ok {
		f := strings.Fields(part)
		if len(f) != 3 {
			return "", fmt.Errorf("want part:FILE FIRST LAST")
		}
		b, err := os.ReadFile(filepath.Join(dir, f[0]))
		if err != nil {
			return "", err
		}
		first, err1 := strconv.Atoi(f[1])
		last, err2 := strconv.Atoi(f[2])
		if err1 != nil || err2 != nil || first > last || last >= len(b) {
			return "", fmt.Errorf("no bytes %s to %s in %s", f[1], f[2], f[0])
		}
		return string(b[first : last+1]), nil
	}
	return s, nil
}

// compare tests got against want.
func compare(what, got, op, want string) error {
	var ok bool
	switch strings.TrimPrefix(op, "!") {
	case "==", "=": // "=" is what is left of "!="
		ok = got == want
	case "contains":
		ok = strings.Contains(got, want)
	case "~":
		re, err := regexp.Compile(want)
		if err != nil {
			return err
		}
		ok = re.MatchString(got)
	}
	if ok == strings.HasPrefix(op, "!") {
		return fmt.Errorf("%s is %.100q (%d bytes), want %s %.100q (%d bytes)", what, got, len(got), op, want, len(want))
	}
	return nil
}

// Sane checks what is true of every answer.
func Sane(q Request, res *Response) error {
	if res.Status == http.StatusInternalServerError {
		return fmt.Errorf("500")
	}
	if loc, ok := res.Header["Location"]; ok {
		if err := safeLocation(loc); err != nil {
			return err
		}
	}
	for name, values := range res.Header {
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return fmt.Errorf("header %s holds a control character: %q", name, v)
			}
		}
	}
	bodyless := q.Method == http.MethodHead || res.Status == http.StatusNotModified || res.Status == http.StatusNoContent
	if bodyless && len(res.Body) > 0 {
		return fmt.Errorf("%d bytes of body, want none", len(res.Body))
	}
	if cl := res.Header.Get("Content-Length"); cl != "" && !bodyless && cl != strconv.Itoa(len(res.Body)) {
		return fmt.Errorf("Content-Length %s, but %d bytes of body", cl, len(res.Body))
	}
	return nil
}

// locationPattern: absolute, or exactly one slash, and no backslash in the path.
var locationPattern = regexp.MustCompile(`^(https?://[!-~]+|/(|[!-.0-[\]-~][!-[\]-~]*)([?#][!-~]*)?)$`)

func safeLocation(lines []string) error {
	if len(lines) != 1 || !locationPattern.MatchString(lines[0]) {
		return fmt.Errorf("unsafe Location %q", lines)
	}
	return nil
}

// sameHead compares HEAD with the answer to GET. A server in front may leave
// Content-Length out of an answer to HEAD (RFC 9110, 9.3.2).
func sameHead(target Target, q Request, get *Response) error {
	q.Method = http.MethodHead
	head, err := target.Do(q)
	if err != nil {
		return fmt.Errorf("HEAD: %w", err)
	}
	if head.Status != get.Status {
		return fmt.Errorf("HEAD: status %d, but %d of GET", head.Status, get.Status)
	}
	if err := Sane(q, head); err != nil {
		return fmt.Errorf("HEAD: %w", err)
	}
	a, b := steady(get.Header), steady(head.Header)
	if !slices.Contains(target.Tags, "handler") && b["Content-Length"] == nil {
		delete(a, "Content-Length")
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("HEAD: headers %v, but %v of GET", b, a)
	}
	return nil
}

// steady is a header without what differs from answer to answer.
func steady(h http.Header) http.Header {
	h = maps.Clone(h)
	for _, name := range []string{"Date", "Connection", "Keep-Alive", "Transfer-Encoding", "Cache-Status", "Age"} {
		delete(h, name)
	}
	if strings.HasPrefix(h.Get("Content-Type"), "multipart/byteranges") { // its boundary is random
		delete(h, "Content-Type")
	}
	return h
}
