// Printing a configuration for the settings of a site.

package apache

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"pagemap/mapping/tree"
)

// Way is how Apache reaches the responders.
type Way string

// The ways, each with its file.
const (
	Socket   Way = "socket"   // pagemap.conf
	TCP      Way = "tcp"      // pagemap-tcp.conf
	Balancer Way = "balancer" // pagemap-balancer.conf
	FCGID    Way = "fcgid"    // pagemap-fcgid.conf
)

// file is the way's configuration file, "" for an unknown way.
func (w Way) file() string {
	switch w {
	case Socket:
		return "pagemap.conf"
	case TCP, Balancer, FCGID:
		return "pagemap-" + string(w) + ".conf"
	}
	return ""
}

// Options of Render. An empty value leaves what the files state.
type Options struct {
	Way     Way
	Tree    string   // PAGEMAP_TREE: the file tree, without symbolic links in its path
	ACME    string   // PAGEMAP_ACME: the certificate client's webroot
	Socket  string   // PAGEMAP_SOCKET: of Socket and Balancer
	Address string   // PAGEMAP_ADDRESS: of TCP, host:port
	Members []string // PAGEMAP_MEMBER1 to 3: of Balancer, host:port
	Bin     string   // PAGEMAP_BIN: of FCGID, the directory of pagemapd
	Config  string   // PAGEMAP_CONFIG: of FCGID, the responder's settings file
	Timeout int      // PAGEMAP_TIMEOUT: seconds
	TTL     int      // PAGEMAP_TTL: seconds
	Edge    bool     // with pagemap-edge.conf; not with FCGID
	EdgeAge int      // PAGEMAP_EDGE_AGE: seconds

	Admin       string // how the admin page's users sign in: basic, form or ldap, with pagemap-admin-*.conf; "": there is no admin page
	AdminPath   string // PAGEMAP_ADMIN: without its last slash
	AdminSecret string // PAGEMAP_ADMIN_SECRET: needed with Admin
	AdminUsers  string // PAGEMAP_ADMIN_USERS: of basic and form
	AdminLDAP   string // PAGEMAP_ADMIN_LDAP: of ldap, needed there

	Restrictions []tree.Restriction // of the tree; Tree must be given with them
}

// maxMembers is how many members pagemap-balancer.conf has lines for.
const maxMembers = 3

// Render prints one self-contained configuration, to be included in a virtual
// host: the settings, the files of the edge and of the way with what it includes,
// and rules for the tree's restrictions. A value that Apache's Define cannot hold is an error.
func Render(w io.Writer, o Options) error {
	file := o.Way.file()
	if file == "" {
		return fmt.Errorf("apache: way %q is none of %s, %s, %s, %s", o.Way, Socket, TCP, Balancer, FCGID)
	}
	if len(o.Members) > maxMembers {
		return fmt.Errorf("apache: %d members: at most %d", len(o.Members), maxMembers)
	}
	if len(o.Restrictions) > 0 && o.Tree == "" {
		return errors.New("apache: restrictions without the tree that they are of")
	}
	if o.Edge && o.Way == FCGID {
		return errors.New("apache: an edge cache needs mod_proxy_fcgi: what mod_fcgid starts may end before it has told the cache of a change")
	}
	switch o.Admin {
	case "", "basic", "form", "ldap":
	default:
		return fmt.Errorf("apache: admin %q is none of basic, form, ldap", o.Admin)
	}
	if o.Admin != "" && o.AdminSecret == "" || o.Admin == "ldap" && o.AdminLDAP == "" {
		return errors.New("apache: the admin page needs its secret, and with ldap a directory")
	}
	if o.Admin != "" && o.Way == FCGID {
		return errors.New("apache: the admin page needs mod_proxy_fcgi: what mod_fcgid starts may end at any time, and has a table of its own age")
	}
	var b strings.Builder
	if err := defines(&b, o); err != nil {
		return err
	}
	b.WriteString("\n")
	if o.Admin != "" {
		if err := expand(&b, "pagemap-admin-"+o.Admin+".conf"); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if o.Edge {
		if err := expand(&b, "pagemap-edge.conf"); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if err := expand(&b, file); err != nil {
		return err
	}
	restrict(&b, o)
	_, err := io.WriteString(w, b.String())
	return err
}

// defines writes the settings that differ from the files' own.
func defines(b *strings.Builder, o Options) error {
	values := []struct{ name, value string }{
		{"PAGEMAP_TREE", o.Tree},
		{"PAGEMAP_ACME", o.ACME},
	}
	add := func(name, value string) {
		values = append(values, struct{ name, value string }{name, value})
	}
	switch o.Way {
	case Socket:
		add("PAGEMAP_SOCKET", o.Socket)
	case TCP:
		add("PAGEMAP_ADDRESS", o.Address)
	case Balancer:
		add("PAGEMAP_SOCKET", o.Socket)
		for i, m := range o.Members {
			add(fmt.Sprintf("PAGEMAP_MEMBER%d", i+1), m)
		}
	case FCGID:
		add("PAGEMAP_BIN", o.Bin)
		add("PAGEMAP_CONFIG", o.Config)
	}
	if o.Timeout > 0 {
		add("PAGEMAP_TIMEOUT", fmt.Sprint(o.Timeout))
	}
	if o.TTL > 0 && o.Way != FCGID {
		add("PAGEMAP_TTL", fmt.Sprint(o.TTL))
	}
	if o.Edge && o.EdgeAge > 0 {
		add("PAGEMAP_EDGE_AGE", fmt.Sprint(o.EdgeAge))
	}
	if o.Admin != "" {
		add("PAGEMAP_ADMIN", o.AdminPath)
		add("PAGEMAP_ADMIN_SECRET", o.AdminSecret)
		if o.Admin == "ldap" {
			add("PAGEMAP_ADMIN_LDAP", o.AdminLDAP)
		} else {
			add("PAGEMAP_ADMIN_USERS", o.AdminUsers)
		}
	}
	for _, v := range values {
		if v.value == "" {
			continue
		}
		if strings.ContainsFunc(v.value, unfit) || strings.Contains(v.value, "${") {
			return fmt.Errorf("apache: %s %q: quotes, backslashes, ${ and control characters cannot stand in Apache's configuration", v.name, v.value)
		}
		fmt.Fprintf(b, "Define %s \"%s\"\n", v.name, v.value)
	}
	return nil
}

// unfit reports a character that would end or change a quoted value.
func unfit(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }

var includeLine = regexp.MustCompile(`^\s*Include "\$\{PAGEMAP_CONF\}/([a-z-]+\.conf)"$`)

// expand writes a file with the files that it includes in their places.
func expand(b *strings.Builder, name string) error {
	f, err := Files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m := includeLine.FindStringSubmatch(lines.Text()); m != nil {
			if err := expand(b, m[1]); err != nil {
				return err
			}
			continue
		}
		b.WriteString(lines.Text())
		b.WriteString("\n")
	}
	return lines.Err()
}

// restrict writes the rules of /data that the tree's .htaccess files ask for.
func restrict(b *strings.Builder, o Options) {
	if len(o.Restrictions) == 0 {
		return
	}
	b.WriteString("\n# What the tree's .htaccess files restricted.\n")
	for _, r := range o.Restrictions {
		// A comment must not go on in the next line.
		text := strings.Map(func(c rune) rune {
			if unfit(c) {
				return ' '
			}
			return c
		}, r.Text)
		fmt.Fprintf(b, "# %s line %d: %s\n%s", r.Dir, r.Line, text, r.Apache(o.Tree))
	}
}
