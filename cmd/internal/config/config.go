// Package config holds every setting of pagemapd and pagemapctl. It is the only
// place that reads flags, the environment and the settings file; everything
// below cmd gets values through constructors.
//
// A setting has one name. It is the flag --name, the environment variable
// PAGEMAP_NAME (upper case, "-" written "_") and the line "name = value" of the
// settings file. The first of these that gives a value wins, in this order; then
// comes the default. An environment variable that is set to nothing counts as
// not set.
//
// The settings file is --config, PAGEMAP_CONFIG or, where it exists,
// /etc/pagemap/pagemap.conf. It holds one "name = value" a line; blank lines and
// lines that begin with "#" are passed over, lists are separated by commas. An
// unknown name, a name given twice or a bad value is an error that names file
// and line: no part of such a file takes effect.
//
// Secrets stand in files that nobody but their owner may read: memcached's in one
// of its own, the database's password in a password file as PostgreSQL's clients
// have it (passfile=FILE in the connection string, or ~/.pgpass). A connection
// string with a password is taken from a settings file only if that one is private.
package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// DefaultFile is the settings file that is read, where it exists, when none is named.
const DefaultFile = "/etc/pagemap/pagemap.conf"

// Settings are the effective values. Define states each one's meaning, unit and
// default; Load fills them in.
type Settings struct {
	// The site.
	Tree       string
	Mapping    string
	Site       string
	SiteAlias  []string
	Index      []string
	MultiViews bool
	ImageLimit Size
	Charset    string
	MimeTypes  string
	ErrorPage  string

	// The database.
	Database string
	Schema   string
	Snapshot string
	Poll     time.Duration

	TrafficDays int

	// The wiki.
	Wiki                string // see WikiAddress
	WikiSelect          string
	WikiCredentialsFile string // a file's path
	WikiPoll            time.Duration
	WikiTimeout         time.Duration
	WikiLinks           string // WikiLinksWiki or WikiLinksText
	Looks               string // a directory

	// Serving.
	HTTP           string
	Listen         string
	SocketMode     Mode
	SocketOwner    string
	AllowPublic    bool
	Workers        int
	MaxRequests    int
	MaxConnections int
	RequestTimeout time.Duration
	ConnectionTTL  time.Duration
	Admin          string

	// The admin page.
	AdminPage        string
	AdminPageSecret  string // a file's path
	AdminPageEditors []string
	AdminPageReaders []string

	// The cache of drawn pages.
	Memory       Size
	Memcached    []string
	MemcachedKey string // a file's path

	// The edge.
	Edge           []string
	EdgeSecretFile string // a file's path
	EdgeMaxAge     time.Duration

	// Cache-Control, by kind of answer.
	CacheFile        string
	CacheWiki        string
	CacheRedirectNew string
	CacheRedirect    string
	CacheFound       string
	CacheMissing     string

	// Logs.
	LogLevel  string
	LogFormat string

	flags   *pflag.FlagSet
	file    string
	origins map[string]string // by setting: where its value came from
}

const (
	groupKey  = "pagemap-group"  // annotation of a flag: the heading it stands under
	daemonKey = "pagemap-daemon" // annotation: means something to pagemapd alone
)

// Define adds every setting to flags and returns the struct that they fill.
func Define(flags *pflag.FlagSet) *Settings {
	s := &Settings{flags: flags, origins: map[string]string{}}
	flags.StringVar(&s.file, "config", "", "settings `FILE` (default "+DefaultFile+" where it exists)")

	g := definer{flags, "The site"}
	flags.StringVar(&s.Tree, "tree", "", "`DIR` of the old site's files")
	flags.StringVar(&s.Site, "site", "", "the site's public `URL`, such as https://www.example.org; links to it are site paths")
	flags.StringSliceVar(&s.SiteAlias, "site-alias", nil, "further `HOSTS` of the same site")
	flags.StringSliceVar(&s.Index, "index", []string{"index.html", "index.xhtml", "index.htm"}, "`NAMES` of a directory's index file, best first (Apache's DirectoryIndex)")
	flags.BoolVar(&s.MultiViews, "multiviews", false, "answer /page with page.html where nothing else answers (Apache's MultiViews)")
	s.ImageLimit = 256 << 10
	flags.Var(&s.ImageLimit, "image-limit", "images up to this `SIZE` are pages; larger ones are data")
	flags.StringVar(&s.Charset, "charset", "", "charset of text files whose name tells none (Apache's AddDefaultCharset); empty: none is sent")
	flags.StringVar(&s.MimeTypes, "mime-types", "", "`FILE` of media types in the format of /etc/mime.types; empty: that file where it exists, else a built-in list")
	flags.StringVar(&s.ErrorPage, "error-page", "", "HTML template `FILE` of the error pages; empty: a built-in one")
	flags.StringVar(&s.Mapping, "mapping", "", "mapping `FILE` (CSV) that stands in for the database; reread when it changes")
	g.done("mapping", "error-page", "charset", "mime-types", "image-limit")

	g.next("The database")
	flags.StringVar(&s.Database, "database", "", "PostgreSQL connection `STRING`, such as \"host=/run/postgresql dbname=pagemap\", with passfile=FILE for a password; empty: no database, the table is tree and mapping file")
	flags.StringVar(&s.Schema, "schema", "pagemap", "schema of this site's page table")
	flags.StringVar(&s.Snapshot, "snapshot", "", "`FILE` that keeps the last known table, to start from while the database is down")
	flags.DurationVar(&s.Poll, "poll", 2*time.Second, "how often to ask for changes that no notification told of")
	flags.IntVar(&s.TrafficDays, "traffic-days", 400, "`DAYS` that hits are kept, and paths that nothing answers since they were last asked for; 0: nothing is counted")
	g.done("snapshot", "poll")

	g.next("The wiki")
	flags.StringVar(&s.Wiki, "wiki", "", "where wiki pages come from: a `PLACE` such as /srv/wiki (a directory of Markdown and HTML), mediawiki+https://HOST/w/api.php, moinmoin+, dokuwiki+ or gollum+ before the wiki's URL, or any URL that shows a page, with {page} for its name; empty: there are none")
	flags.StringVar(&s.WikiSelect, "wiki-select", "", "CSS `SELECTOR` of a page's body in what the wiki shows at a page's URL; empty: all of it, or what is known of moinmoin, dokuwiki and gollum")
	flags.StringVar(&s.WikiCredentialsFile, "wiki-credentials-file", "", "`FILE` (mode 0600) with user:password for the wiki, such as a bot password of MediaWiki; empty: nobody logs in")
	flags.DurationVar(&s.WikiPoll, "wiki-poll", time.Second, "how often to ask a wiki that is no directory for changes")
	flags.DurationVar(&s.WikiTimeout, "wiki-timeout", 5*time.Second, "time for one answer of the wiki; below request-timeout")
	flags.StringVar(&s.WikiLinks, "wiki-links", WikiLinksWiki, "where links to wiki pages lead that no row leads to: wiki (into the wiki) or text (nowhere: they become text)")
	flags.StringVar(&s.Looks, "looks", "", "`DIR` of the layouts that wiki pages are drawn in, as pagemapctl look makes them; empty: a plain one")
	g.done()

	g.next("Serving")
	flags.StringVar(&s.HTTP, "http", "", "plain HTTP on this `ADDRESS`, /data included: for a first look and small sites (127.0.0.1:8080 where neither --listen nor --database is given)")
	flags.StringVar(&s.Listen, "listen", "", "FastCGI `ADDRESS`: unix:PATH, tcp:HOST:PORT, systemd, or fd:0 (inherited); with a database the default is unix:/run/pagemap/pagemap.sock")
	s.SocketMode = 0o660
	flags.Var(&s.SocketMode, "socket-mode", "`MODE` of the unix socket")
	flags.StringVar(&s.SocketOwner, "socket-owner", "", "`USER:GROUP` of the unix socket; empty: the process's")
	flags.BoolVar(&s.AllowPublic, "allow-public", false, "allow addresses that are not loopback (whoever reaches a FastCGI port is trusted wholly)")
	flags.IntVar(&s.Workers, "workers", 0, "responder processes in the pool; 0: one for each processor, 1: no pool")
	flags.IntVar(&s.MaxRequests, "max-requests", 256, "requests answered at a time by one process; more get 503 at once")
	flags.IntVar(&s.MaxConnections, "max-connections", 1024, "connections held by one process")
	flags.DurationVar(&s.RequestTimeout, "request-timeout", 10*time.Second, "time for one answer; below Apache's ProxyTimeout")
	flags.DurationVar(&s.ConnectionTTL, "connection-ttl", 5*time.Second, "how long Apache keeps an idle connection (ttl of ProxyPass); a draining process waits a little longer")
	flags.StringVar(&s.Admin, "admin", "", "`ADDRESS` of /healthz, /readyz and /metrics: HOST:PORT on loopback or unix:PATH; empty: none")
	g.done("http", "socket-mode", "socket-owner", "allow-public", "workers", "max-requests", "max-connections", "request-timeout", "admin")

	g.next("The admin page")
	flags.StringVar(&s.AdminPage, "admin-page", "", "`PATH` of the admin page, such as /pagemap-admin/, which nobody else can use then; empty: there is none. With plain HTTP, a link to it is printed at the start")
	flags.StringVar(&s.AdminPageSecret, "admin-page-secret-file", "", "`FILE` (mode 0600) with the secret that Apache's configuration of the admin page sends along; needed behind Apache")
	flags.StringSliceVar(&s.AdminPageEditors, "admin-page-editors", nil, "`USERS`, as Apache authenticates them, who may change the table")
	flags.StringSliceVar(&s.AdminPageReaders, "admin-page-readers", nil, "`USERS` who may only look")
	g.done("admin-page-editors", "admin-page-readers")

	g.next("The cache")
	s.Memory = 64 << 20
	flags.Var(&s.Memory, "memory", "`SIZE` of the cache in the memory of each process")
	flags.StringSliceVar(&s.Memcached, "memcached", nil, "memcached `SERVERS`: HOST:PORT or unix:PATH")
	flags.StringVar(&s.MemcachedKey, "memcached-key-file", "", "`FILE` (mode 0600) with the secret that signs what memcached holds; needed for servers that are not loopback")
	g.done("memory")

	g.next("The edge")
	flags.StringSliceVar(&s.Edge, "edge", nil, "`URLS` of the caches in front, which are told what has changed: http://HOST:PORT of an Apache with pagemap-edge.conf, varnish+http://HOST:PORT of a Varnish; empty: no cache may store a page for others")
	flags.StringVar(&s.EdgeSecretFile, "edge-secret-file", "", "`FILE` (mode 0600) with the secret by which the pool knows its own requests to a cache; needed with --edge")
	flags.DurationVar(&s.EdgeMaxAge, "edge-max-age", 5*time.Second, "how long a cache in front serves a page that it was not told to forget, in whole seconds, 5 at most")
	g.done("edge", "edge-secret-file", "edge-max-age")

	g.next("Cache-Control")
	flags.StringVar(&s.CacheFile, "cache-file", "public, max-age=300", "of a file's page")
	flags.StringVar(&s.CacheWiki, "cache-wiki", "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400", "of a wiki's page")
	flags.StringVar(&s.CacheRedirectNew, "cache-redirect-new", "public, max-age=60", "of a 301 changed less than a day ago")
	flags.StringVar(&s.CacheRedirect, "cache-redirect", "public, max-age=3600", "of an older 301, and of a 410")
	flags.StringVar(&s.CacheFound, "cache-found", "public, max-age=60", "of a 302")
	flags.StringVar(&s.CacheMissing, "cache-missing", "public, max-age=30", "of a 404")
	g.done("cache-file", "cache-wiki", "cache-redirect-new", "cache-redirect", "cache-found", "cache-missing")

	g.next("Logs")
	flags.StringVar(&s.LogLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&s.LogFormat, "log-format", "text", "text or json")
	g.done("log-level", "log-format")
	return s
}

// definer marks the flags that were defined since its last call.
type definer struct {
	flags *pflag.FlagSet
	group string
}

func (g *definer) next(group string) { g.group = group }

// done puts the flags defined since the last call under the group; daemon names
// those that pagemapd alone acts on.
func (g *definer) done(daemon ...string) {
	g.flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" && f.Annotations[groupKey] == nil && f.Name != "help" {
			f.Annotations = map[string][]string{groupKey: {g.group}}
		}
	})
	for _, name := range daemon {
		g.flags.Lookup(name).Annotations[daemonKey] = []string{"true"}
	}
}

// HideDaemon takes the settings that pagemapd alone acts on out of the help
// text; they can still be given.
func HideDaemon(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[daemonKey] != nil {
			f.Hidden = true
		}
	})
}

// Parse reads settings from arguments, environment and file, for a program that
// takes no other arguments, as a reread does.
func Parse(args []string, getenv func(string) string) (*Settings, error) {
	flags := pflag.NewFlagSet("pagemap", pflag.ContinueOnError)
	s := Define(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return s, s.Load(getenv)
}

// Load completes settings whose flags have been parsed: from the environment,
// then the settings file, then the defaults; and checks that they go together.
func (s *Settings) Load(getenv func(string) string) error {
	fromFile, err := s.readFile(getenv)
	if err != nil {
		return err
	}
	var bad error
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[groupKey] == nil || bad != nil {
			return
		}
		line, inFile := fromFile[f.Name]
		env := envName(f.Name)
		switch value := getenv(env); {
		case f.Changed:
			s.origins[f.Name] = "flag --" + f.Name
		case value != "":
			s.origins[f.Name] = "environment " + env
			if err := f.Value.Set(value); err != nil {
				bad = fmt.Errorf("environment %s=%q: %w", env, value, err)
			}
		case inFile:
			s.origins[f.Name] = fmt.Sprintf("file %s:%d", s.file, line.number)
			if err := f.Value.Set(line.value); err != nil {
				bad = fmt.Errorf("%s:%d: %s = %s: %w", s.file, line.number, f.Name, line.value, err)
			}
		default:
			s.origins[f.Name] = "default"
		}
	})
	if bad != nil {
		return bad
	}
	return s.check()
}

func envName(setting string) string {
	return "PAGEMAP_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// check looks at values that parse, one by one and together.
func (s *Settings) check() error {
	fail := func(name, format string, args ...any) error {
		return fmt.Errorf("%s (from %s): %s", name, s.origins[name], fmt.Sprintf(format, args...))
	}
	if s.Site != "" {
		u, err := url.Parse(s.Site)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
			(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
			return fail("site", "%q is not a site's URL: write scheme and host alone, as in https://www.example.org", s.Site)
		}
	}
	for _, name := range s.Index {
		if name == "" || strings.Contains(name, "/") {
			return fail("index", "%q is not a file's name", name)
		}
	}
	for name, n := range map[string]int{"workers": s.Workers, "traffic-days": s.TrafficDays, "max-requests": s.MaxRequests - 1, "max-connections": s.MaxConnections - 2} {
		if n < 0 {
			return fail(name, "%s is too small", s.flags.Lookup(name).Value)
		}
	}
	for name, d := range map[string]time.Duration{"poll": s.Poll, "request-timeout": s.RequestTimeout, "connection-ttl": s.ConnectionTTL} {
		if d <= 0 {
			return fail(name, "%s is not a time above zero", d)
		}
	}
	for _, name := range []string{"cache-file", "cache-wiki", "cache-redirect-new", "cache-redirect", "cache-found", "cache-missing"} {
		if v := s.flags.Lookup(name).Value.String(); strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fail(name, "%q holds a character that no header may hold", v)
		}
	}
	if err := s.checkEdge(fail); err != nil {
		return err
	}
	if err := s.checkWiki(fail); err != nil {
		return err
	}
	if err := s.checkAdmin(fail); err != nil {
		return err
	}
	switch s.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		return fail("log-level", "%q is none of debug, info, warn, error", s.LogLevel)
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		return fail("log-format", "%q is neither text nor json", s.LogFormat)
	}
	if hasPassword(s.Database) && strings.HasPrefix(s.origins["database"], "file ") {
		if err := private(s.file); err != nil {
			return fail("database", "a password stands in a settings file: %v; or move it to a file named by passfile=FILE", err)
		}
	}
	if s.Database != "" && s.Mapping != "" {
		return fail("mapping", "a mapping file stands in for the database; with --database, import it instead")
	}
	return nil
}

// Embedded reports whether the table is made of tree and mapping file, with no
// database.
func (s *Settings) Embedded() bool { return s.Database == "" }

// Hosts are the site's own hosts, lower case: the site's and its aliases.
func (s *Settings) Hosts() []string {
	var hosts []string
	if u, err := url.Parse(s.Site); err == nil && u.Host != "" {
		hosts = append(hosts, strings.ToLower(u.Host))
	}
	for _, h := range s.SiteAlias {
		hosts = append(hosts, strings.ToLower(h))
	}
	return hosts
}
