// Why something is not served.

package tree

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ErrNotServed is that nothing is there, or that what is there is never served. Every
// [Refusal] is ErrNotServed.
var ErrNotServed = errors.New("tree: not served")

// Reason says in a word or two why something is not served.
type Reason string

// The reasons, beside those of mapping.Denied ("dotfile", "leftover", "program source").
const (
	Missing       Reason = "nothing there"
	IsDirectory   Reason = "directory"
	Special       Reason = "not a regular file"
	Unreadable    Reason = "unreadable"
	Restricted    Reason = "restricted by .htaccess"
	LinkOut       Reason = "symlink out of the tree"
	LinkBroken    Reason = "broken symlink"
	LinkLoop      Reason = "symlink loop"
	Unaddressable Reason = "name that no URL can spell"
)

// Refusal is the error for what is not served.
type Refusal struct {
	Reason Reason
	Detail string // the symlink's target, the directive that restricts; or ""
}

// Error gives reason and detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return ErrNotServed.Error() + ": " + string(r.Reason)
	}
	return ErrNotServed.Error() + ": " + string(r.Reason) + " (" + r.Detail + ")"
}

// Is makes every Refusal ErrNotServed.
func (r *Refusal) Is(target error) bool { return target == ErrNotServed }

// Refusals without a detail, made once.
var (
	missing       = &Refusal{Reason: Missing}
	notReadable   = &Refusal{Reason: Unreadable}
	notRegular    = &Refusal{Reason: Special}
	unaddressable = &Refusal{Reason: Unaddressable}
)

// refuse turns what the system says of a name that is not there, or may not be looked
// at, into a Refusal, and returns other errors (of the disk, of NFS) as they are.
func refuse(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP),
		errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.EINVAL):
		return missing
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return notReadable
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return notRegular
	}
	return err
}

// reasonOf is the Reason of a Refusal, and "" for any other error.
func reasonOf(err error) Reason {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Reason
	}
	return ""
}
