// Requests written byte for byte.

package apache_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// reply is an answer on a raw connection.
type reply struct {
	*http.Response
	body string
}

// exchange sends bytes to an address and reads every answer until the server
// closes the connection; all of them to the method of the first request. No answer
// at all is an empty slice.
func exchange(t testing.TB, addr, request string) []reply {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	var replies []reply
	r := bufio.NewReader(c)
	for {
		if _, err := r.Peek(1); err != nil {
			return replies
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatalf("%q: body: %v", request, err)
		}
		replies = append(replies, reply{res, string(body)})
	}
}

// get asks for a raw target, with further header lines, on a connection of its own.
func get(t testing.TB, addr, method, target string, header ...string) reply {
	t.Helper()
	request := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for _, h := range header {
		request += h + "\r\n"
	}
	replies := exchange(t, addr, request+"\r\n")
	if len(replies) != 1 {
		t.Fatalf("%s %q: %d answers", method, target, len(replies))
	}
	return replies[0]
}
