// What a test does to its wiki.

package mediawikitest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// client is a session of the bot.
type client struct {
	jar   http.CookieJar
	token string // that writes need
}

// send makes a request and waits until the wiki has done with it: what it does after its answer included, when the
// connection ends.
func (c *client) send(req *http.Request) (*http.Response, error) {
	for _, cookie := range c.jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	req.Close = true
	conn, err := net.DialTimeout("tcp", req.URL.Host, time.Minute)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), req)
	if err != nil {
		return nil, err
	}
	c.jar.SetCookies(req.URL, res.Cookies())
	return res, nil
}

// Write writes a page's wikitext.
func (s *Server) Write(title, text string) {
	s.tb.Helper()
	s.do(map[string]string{"action": "edit", "title": title, "text": text, "summary": "test"}, nil)
}

// Delete deletes a page.
func (s *Server) Delete(title string) {
	s.tb.Helper()
	s.do(map[string]string{"action": "delete", "title": title}, nil)
}

// Move renames a page, and leaves a redirect.
func (s *Server) Move(from, to string) {
	s.tb.Helper()
	s.do(map[string]string{"action": "move", "from": from, "to": to}, nil)
}

// Upload stores a file, of the name "Example.png", or a new version of it.
func (s *Server) Upload(name string, content []byte) {
	s.tb.Helper()
	s.do(map[string]string{"action": "upload", "filename": name, "ignorewarnings": "1", "comment": "test"}, content)
}

// do sends a request that writes.
func (s *Server) do(form map[string]string, file []byte) {
	s.tb.Helper()
	if err := s.login(); err != nil {
		s.tb.Fatalf("mediawikitest: log in: %v", err)
	}
	form["token"] = s.client.token
	if err := s.client.call(s.API(), form, file, nil); err != nil {
		s.tb.Fatalf("mediawikitest: %v: %v\n%s", form["action"], err, s.Log())
	}
}

// login begins the bot's session where there is none.
func (s *Server) login() error {
	if s.client != nil {
		return nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	c := &client{jar: jar}
	var answer struct {
		Query struct {
			Tokens struct {
				Login string `json:"logintoken"`
				CSRF  string `json:"csrftoken"`
			} `json:"tokens"`
		} `json:"query"`
		Login struct {
			Result string `json:"result"`
		} `json:"login"`
	}
	if err := c.call(s.API(), map[string]string{"action": "query", "meta": "tokens", "type": "login"}, nil, &answer); err != nil {
		return err
	}
	if err := c.call(s.API(), map[string]string{
		"action": "login", "lgname": User, "lgpassword": Password, "lgtoken": answer.Query.Tokens.Login,
	}, nil, &answer); err != nil {
		return err
	}
	if answer.Login.Result != "Success" {
		return fmt.Errorf("result %q", answer.Login.Result)
	}
	if err := c.call(s.API(), map[string]string{"action": "query", "meta": "tokens"}, nil, &answer); err != nil {
		return err
	}
	c.token = answer.Query.Tokens.CSRF
	s.client = c
	return nil
}

// call sends one request and decodes its answer into v, where that is not nil.
func (c *client) call(api string, form map[string]string, file []byte, v any) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	form["format"], form["formatversion"] = "json", "2"
	for k, value := range form {
		if err := w.WriteField(k, value); err != nil {
			return err
		}
	}
	if file != nil {
		part, err := w.CreateFormFile("file", form["filename"])
		if err != nil {
			return err
		}
		if _, err := part.Write(file); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, api, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	res, err := c.send(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var failure struct {
		Error  struct{ Code, Info string }
		Upload struct{ Result string }
	}
	if err := json.Unmarshal(answer, &failure); err != nil {
		return fmt.Errorf("status %d: %w: %.2000s", res.StatusCode, err, answer)
	}
	if failure.Error.Code != "" || failure.Upload.Result != "" && failure.Upload.Result != "Success" {
		return fmt.Errorf("%.2000s", answer)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(answer, v)
}
