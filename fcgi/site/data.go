// The raw tree, where no front server serves it.

package site

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
)

// errForbidden is answered 403: an .htaccess restricts the file.
var errForbidden = errors.New("site: restricted by .htaccess")

// Data is the handler of the raw tree below the data prefix. It serves what the
// tree serves, with ranges and preconditions, in any spelling of its path; what
// an .htaccess restricts is 403, everything else, directories too, 404. HTML
// there is not to be indexed, and no type is to be guessed.
func (s *Site) Data(files *tree.Tree) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var x exchange
		q, a := &x.request, &x.answer
		q.of(r, s.o.User)
		if err := s.data(q, a, files); err != nil {
			s.fail(r.Context(), q, a, err)
		}
		s.write(w, r, q, a)
	})
}

func (s *Site) data(q *request, to *answer, files *tree.Tree) error {
	t, err := mapping.ParseTarget(q.target)
	if err != nil {
		return err
	}
	if q.method != http.MethodGet && q.method != http.MethodHead {
		return otherMethod(q, to)
	}
	p, ok := s.belowData(t.Path)
	if !ok {
		return render.ErrNotFound
	}
	f, info, err := files.OpenFile(p)
	if err != nil {
		return refused(err)
	}
	name, _ := p.FileName() // it has one: the tree has opened it
	media := s.o.Types.Media(path.Base(name))
	to.set("X-Content-Type-Options", "nosniff")
	if media.Type == "text/html" || media.Type == "application/xhtml+xml" {
		to.set("X-Robots-Tag", "noindex")
	}
	return s.send(q, &reply{
		doc: &render.Document{
			Type: media.ContentType(), Language: media.Language,
			Modified: info.Modified, ETag: fmt.Sprintf("%x-%x", info.Size, info.Modified.UnixNano()),
		},
		stream:  f,
		look:    new(look),
		now:     s.o.Now(),
		control: s.control(q, directive{"", "private", ""}),
	}, to)
}

// refused is the answer to a file that the tree does not serve.
func refused(err error) error {
	var no *tree.Refusal
	switch {
	case errors.As(err, &no) && no.Reason == tree.Restricted:
		return fmt.Errorf("%w: %w", errForbidden, err)
	case errors.Is(err, tree.ErrNotServed):
		return fmt.Errorf("%w: %w", render.ErrNotFound, err)
	}
	return err
}

// belowData is the key of the file that a path below the data prefix names.
func (s *Site) belowData(p mapping.Path) (mapping.Path, bool) {
	rest, ok := strings.CutPrefix(string(p), s.o.DataPrefix)
	return mapping.Path(rest), ok && strings.HasPrefix(rest, "/")
}

// Embedded is the whole site for a server that has nothing in front of it: the
// raw tree below the data prefix, as a path's key says, and the pages.
func (s *Site) Embedded(files *tree.Tree) http.Handler {
	data := s.Data(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t, err := mapping.ParseTarget(r.RequestURI); err == nil {
			if _, ok := s.belowData(t.Path); ok {
				data.ServeHTTP(w, r)
				return
			}
		}
		s.ServeHTTP(w, r)
	})
}
