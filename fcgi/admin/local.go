// Local: the gate of a machine's own user.

package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How long a link and what it opens are good for.
const (
	linkLife    = 30 * time.Minute
	sessionLife = 12 * time.Hour
)

// cookieName is the session's cookie.
const cookieName = "pagemap-admin"

var (
	errHost = wrong(http.StatusMisdirectedRequest, "The admin page is reached by the address of this machine alone.")
	errLink = wrong(http.StatusForbidden, "This link was used already, or is too old. pagemapd prints a new one when it is started.")
)

// Local is the Gate of plain HTTP on loopback: whoever opens its link first is the
// user, an editor.
type Local struct {
	name  string
	hosts []string
	now   func() time.Time

	mu       sync.Mutex // protects the rest
	key      [32]byte   // SHA-256 of the link's key
	until    time.Time  // until when the link opens; zero: it was used
	sessions map[[32]byte]time.Time
}

// NewLocal returns a gate for a user of this name, who reaches it by these hosts, as
// in "127.0.0.1:8080", and the key of its link: PATH + "enter?key=" + key.
func NewLocal(name string, hosts []string, now func() time.Time) (gate *Local, key string) {
	key = rand.Text()
	return &Local{
		name: name, hosts: hosts, now: now, key: sha256.Sum256([]byte(key)), until: now().Add(linkLife),
		sessions: map[[32]byte]time.Time{},
	}, key
}

// Who implements Gate.
func (l *Local) Who(r *http.Request) (User, error) {
	if !slices.Contains(l.hosts, r.Host) {
		return User{}, errHost
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return User{}, errNobody
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.sessions[sha256.Sum256([]byte(cookie.Value))]
	if !ok || l.now().After(until) {
		return User{}, errors.New("the session is over, or of another start of pagemapd")
	}
	return User{Name: l.name, Role: Editor}, nil
}

// Enter exchanges the link for a session, and answers the request.
func (l *Local) Enter(w http.ResponseWriter, r *http.Request, home string) bool {
	if !slices.Contains(l.hosts, r.Host) || r.Method != http.MethodGet {
		return false // Who says why
	}
	given := sha256.Sum256([]byte(r.FormValue("key")))
	l.mu.Lock()
	open := subtle.ConstantTimeCompare(given[:], l.key[:]) == 1 && l.now().Before(l.until)
	var session string
	if open {
		l.until = time.Time{}
		session = rand.Text()
		l.sessions[sha256.Sum256([]byte(session))] = l.now().Add(sessionLife)
	}
	l.mu.Unlock()
	if !open {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(errLink.Error() + "\n")) // who asked may have gone
		return true
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: session, Path: home, MaxAge: int(sessionLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, home, http.StatusSeeOther)
	return true
}
