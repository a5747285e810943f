// The key: the hash of every input of a page.

package cache

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"pagemap/render"
)

// formatVersion is the version of keys and values. A responder of another version
// neither reads nor overwrites what this one keeps.
const formatVersion = 2

// Key names every input of a page: the SHA-256 of them.
type Key [sha256.Size]byte

// KeyOf returns the key of a page with these inputs. Their order counts.
func KeyOf(inputs ...string) Key {
	var room [1024]byte // inputs of usual length need no allocation
	b := append(room[:0], formatVersion)
	for _, in := range inputs {
		b = binary.AppendUvarint(b, uint64(len(in)))
		b = append(b, in...)
	}
	return sha256.Sum256(b)
}

// place is where memory has a page in one of its forms.
type place struct {
	key    Key
	packed bool
}

// form is doc in the form that is kept there.
func (p place) form(doc *render.Document) *render.Document {
	if p.packed {
		return doc.Packed()
	}
	return doc.Plain()
}

// placeOf is where memory has what is wanted.
func placeOf(w render.Want) place { return place{KeyOf(w.Inputs...), w.Packed} }

// String is the key in unpadded base64url, 43 characters.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }
