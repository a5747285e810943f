// The session of the user whose credentials are given.

package mediawiki

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"time"

	"pagemap/render"
)

// again is how long refused credentials are not tried again.
const again = time.Minute

// session is a user's session; its cookies are in the client's jar.
type session struct {
	mu      sync.Mutex
	number  int       // counts the sessions begun
	token   string    // for writing; "": not known
	refused time.Time // when the credentials were last refused
	reason  error     // why
}

// maxCookies is how many cookies a wiki may set until all are forgotten, and with them the session. MediaWiki sets some five in
// one; without a limit it could fill the memory.
const maxCookies = 1000

// jar keeps the cookies of sessions. The zero value is empty.
type jar struct {
	mu  sync.Mutex
	jar http.CookieJar // nil: empty
	set int
}

// SetCookies implements http.CookieJar.
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.set += len(cookies); j.jar == nil || j.set > maxCookies {
		j.jar, _ = cookiejar.New(nil) // which never fails
		j.set = len(cookies)
	}
	j.jar.SetCookies(u, cookies)
}

// Cookies implements http.CookieJar.
func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.jar == nil {
		return nil
	}
	return j.jar.Cookies(u)
}

// current is the number of the present session.
func (s *session) current() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// logIn begins a session, unless another goroutine has since session number was the present one.
func (w *Wiki) logIn(ctx context.Context, number int) error {
	s := &w.login
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number != number {
		return nil
	}
	if s.reason != nil && time.Since(s.refused) < again {
		return s.reason
	}
	token, err := w.token(ctx, "login")
	if err != nil {
		return err
	}
	var answer struct {
		Login struct {
			Result string          `json:"result"`
			Reason json.RawMessage `json:"reason"`
		} `json:"login"`
	}
	err = w.call(ctx, values("action", "login", "lgname", w.o.User, "lgpassword", w.o.Password, "lgtoken", token), true, &answer)
	if err != nil {
		return err
	}
	if answer.Login.Result != "Success" {
		s.refused = time.Now()
		s.reason = fmt.Errorf("mediawiki: log in as %s: %s %s: %w", w.o.User, answer.Login.Result, answer.Login.Reason, render.ErrUnavailable)
		return s.reason
	}
	s.number++
	s.token, s.reason = "", nil
	return nil
}

// csrf returns the token that writes need; fresh, one that was not used before.
func (w *Wiki) csrf(ctx context.Context, fresh bool) (string, error) {
	s := &w.login
	number := s.current()
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	if token != "" && !fresh {
		return token, nil
	}
	token, err := w.token(ctx, "csrf")
	if failed(err, "assertuserfailed", "readapidenied") {
		if err = w.logIn(ctx, number); err == nil {
			token, err = w.token(ctx, "csrf")
		}
	}
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.token = token
	s.mu.Unlock()
	return token, nil
}

// token asks for a token of a kind.
func (w *Wiki) token(ctx context.Context, kind string) (string, error) {
	var answer struct {
		Query struct {
			Tokens map[string]string `json:"tokens"`
		} `json:"query"`
	}
	p := values("action", "query", "meta", "tokens", "type", kind)
	if kind != "login" && w.o.User != "" {
		p.Set("assert", "user")
	}
	if err := w.call(ctx, p, false, &answer); err != nil {
		return "", err
	}
	return answer.Query.Tokens[kind+"token"], nil
}
