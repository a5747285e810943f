// The settings file, and files that hold a secret.

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// line is one setting's line in the file.
type line struct {
	value  string
	number int // counted from 1
}

// readFile finds and reads the settings file; no file is no settings.
func (s *Settings) readFile(getenv func(string) string) (map[string]line, error) {
	named := true
	if s.file == "" {
		s.file = getenv(envName("config"))
	}
	if s.file == "" {
		s.file, named = DefaultFile, false
	}
	data, err := os.ReadFile(s.file)
	if !named && errors.Is(err, fs.ErrNotExist) {
		s.file = ""
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	return parseFile(s.file, data, s.flags)
}

// parseFile reads "name = value" lines of settings that flags knows.
func parseFile(file string, data []byte, flags *pflag.FlagSet) (map[string]line, error) {
	settings := map[string]line{}
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(raw))
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return nil, fmt.Errorf("%s:%d: %q has no \"=\": write name = value", file, number, text)
		}
		if f := flags.Lookup(name); f == nil || f.Annotations[groupKey] == nil {
			return nil, fmt.Errorf("%s:%d: there is no setting %q; pagemapctl config lists them all", file, number, name)
		}
		if before, twice := settings[name]; twice {
			return nil, fmt.Errorf("%s:%d: %s was already set in line %d", file, number, name, before.number)
		}
		settings[name] = line{value, number}
	}
	return settings, nil
}

// ReadSecret reads a file that holds a secret, without the white space around
// it. The path "" gives none. A file that others than its owner may read is
// refused.
func ReadSecret(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	secret := bytes.TrimSpace(data)
	if len(secret) == 0 {
		return nil, fmt.Errorf("secret: %s is empty", path)
	}
	return secret, nil
}

// private is an error unless nobody but its owner may read or write the file.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s may be read by others (mode %04o): run chmod 600 %[1]s", path, mode)
	}
	return nil
}

// password finds the password in a connection string of either form.
var password = regexp.MustCompile(`(\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)|(://[^:/@]*:)([^/@]*)@`)

func hasPassword(connection string) bool { return password.MatchString(connection) }

// mask hides the password of a connection string.
func mask(connection string) string {
	return password.ReplaceAllStringFunc(connection, func(m string) string {
		if strings.HasPrefix(m, "://") {
			return m[:strings.LastIndex(m[:len(m)-1], ":")+1] + "***@"
		}
		return m[:strings.Index(m, "=")+1] + "***"
	})
}
