// The settings of the admin page.

package config

import "strings"

// checkAdmin looks at the settings of the admin page; fail makes its errors.
func (s *Settings) checkAdmin(fail func(name, format string, args ...any) error) error {
	p := s.AdminPage
	if p == "" {
		return nil
	}
	if !strings.HasPrefix(p, "/") || !strings.HasSuffix(p, "/") || p == "/" {
		return fail("admin-page", "%q does not begin and end with a slash, as /pagemap-admin/ does", p)
	}
	if s.Embedded() {
		return fail("admin-page", "it edits the page table of a database: set database too")
	}
	if s.HTTP != "" {
		return nil // a link lets in
	}
	if s.AdminPageSecret == "" {
		return fail("admin-page", "anybody could claim to be signed in: set admin-page-secret-file too")
	}
	if len(s.AdminPageEditors)+len(s.AdminPageReaders) == 0 {
		return fail("admin-page", "nobody would be let in: set admin-page-editors or admin-page-readers too")
	}
	return nil
}
