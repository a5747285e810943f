// Kinds of value that flags do not have by themselves: sizes and modes.

package config

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as 1048576, 1024KiB or 1MiB. K, M, G alone
// and KB, MB, GB mean the same powers of 1,024, as they do to memcached and
// PostgreSQL.
type Size int64

var sizeUnits = []struct {
	suffix string
	shift  uint
}{{"GiB", 30}, {"GB", 30}, {"G", 30}, {"MiB", 20}, {"MB", 20}, {"M", 20}, {"KiB", 10}, {"kB", 10}, {"KB", 10}, {"K", 10}, {"B", 0}, {"", 0}}

// Set implements pflag.Value.
func (s *Size) Set(text string) error {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64>>u.shift {
			break
		}
		*s = Size(n << u.shift)
		return nil
	}
	return fmt.Errorf("%q is not a size: write bytes or a number with KiB, MiB or GiB", text)
}

// String implements pflag.Value: the shortest exact form.
func (s *Size) String() string {
	for _, u := range sizeUnits {
		if strings.HasSuffix(u.suffix, "iB") && *s != 0 && int64(*s)%(1<<u.shift) == 0 {
			return strconv.FormatInt(int64(*s)>>u.shift, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type implements pflag.Value.
func (s *Size) Type() string { return "size" }

// Mode is a file's permission bits, written in octal.
type Mode fs.FileMode

// Set implements pflag.Value.
func (m *Mode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is not a file mode: write it in octal, as 0660", text)
	}
	*m = Mode(n)
	return nil
}

// String implements pflag.Value.
func (m *Mode) String() string { return fmt.Sprintf("%#o", uint32(*m)) }

// Type implements pflag.Value.
func (m *Mode) Type() string { return "mode" }
