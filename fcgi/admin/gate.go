// Gates: who is let in, and what they may do.

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
)

// Role is what a user may do.
type Role uint8

// The roles; each may do what those before it may.
const (
	NoRole Role = iota // nothing
	Reader             // see everything
	Editor             // change the table
)

// User is who asks.
type User struct {
	Name string // as change-sets name their authors
	Role Role
}

// Gate says who asks.
type Gate interface {
	// Who returns the user of a request, or an error where it has none.
	Who(*http.Request) (User, error)
}

var (
	errNobody = errors.New("nobody is signed in, or not by way of the admin page's own configuration")
	errNoRole = wrong(http.StatusForbidden, "You are signed in, but have no role here. Somebody who runs the site can add your name to its readers or editors.")
)

// Front is the Gate behind a web server that authenticates.
type Front struct {
	// Env returns the parameters that the web server sent with a request, without
	// those of its client's headers.
	Env              func(*http.Request) map[string]string
	Secret           string // what SecretName must hold; not empty
	Readers, Editors []string
}

// SecretName is the parameter that holds the secret.
const SecretName = "PAGEMAP_ADMIN_SECRET"

// Who implements Gate.
func (f *Front) Who(r *http.Request) (User, error) {
	env := f.Env(r)
	given, want := sha256.Sum256([]byte(env[SecretName])), sha256.Sum256([]byte(f.Secret))
	name := env["REMOTE_USER"]
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || f.Secret == "" || name == "" {
		return User{}, errNobody
	}
	u := User{Name: name}
	switch {
	case slices.Contains(f.Editors, name):
		u.Role = Editor
	case slices.Contains(f.Readers, name):
		u.Role = Reader
	}
	return u, nil
}
