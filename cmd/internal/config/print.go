// Settings in print: the effective ones, the example file, the README's table.

package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Value is one effective setting.
type Value struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "default", "flag --x", "environment PAGEMAP_X", "file PATH:LINE"
}

// Effective lists every setting, by group, as Load left it.
func (s *Settings) Effective() []Value {
	var values []Value
	for _, f := range grouped(s.flags) {
		value := text(f.Value)
		if f.Name == "database" {
			value = mask(value)
		}
		values = append(values, Value{f.Name, value, s.origins[f.Name]})
	}
	return values
}

// File is the settings file that was read, or "".
func (s *Settings) File() string { return s.file }

// text is a value as the settings file writes it.
func text(v pflag.Value) string {
	if list, ok := v.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return v.String()
}

// grouped are all settings in the order of definition.
func grouped(flags *pflag.FlagSet) []*pflag.Flag {
	flags.SortFlags = false
	var all []*pflag.Flag
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[groupKey] != nil {
			all = append(all, f)
		}
	})
	return all
}

// fresh are the settings with their defaults.
func fresh() []*pflag.Flag {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	Define(flags)
	return grouped(flags)
}

// WriteExample writes a settings file in which every setting stands, explained
// and commented out, with its default.
func WriteExample(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Settings of pagemapd and pagemapctl: one \"name = value\" a line.\n# A flag (--name) and an environment variable (PAGEMAP_NAME) win over a line here.\n")
	group := ""
	for _, f := range fresh() {
		if g := f.Annotations[groupKey][0]; g != group {
			group = g
			fmt.Fprintf(b, "\n## %s\n", group)
		}
		_, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "\n# %s\n#%s\n", usage, strings.TrimRight(f.Name+" = "+text(f.Value), " "))
	}
	return b.Flush()
}

// WriteTable writes the settings as a table in Markdown.
func WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "| setting | default | meaning |\n|---|---|---|\n")
	group := ""
	for _, f := range fresh() {
		if g := f.Annotations[groupKey][0]; g != group {
			group = g
			fmt.Fprintf(b, "| **%s** | | |\n", group)
		}
		_, usage := pflag.UnquoteUsage(f)
		value := text(f.Value)
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, value, strings.ReplaceAll(usage, "|", "\\|"))
	}
	return b.Flush()
}
