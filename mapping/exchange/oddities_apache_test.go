// Apache's files with all that is odd in them, line by line.

package exchange

import (
	"strings"
	"testing"

	"pagemap/mapping"
)

func TestHtaccessOddities(t *testing.T) {
	index := ReadOptions{Format: Htaccess, Hosts: hosts, IndexNames: []string{"index.html"}}
	checkOddities(t, index, "\r\n", []odd{
		{line: "\ufeff# A comment \\", want: Empty},
		{line: "Redirect 301 /commented /b", want: Empty},
		{line: "Options -Indexes", want: Unexpressed, note: "Options is no redirect"},
		{line: "RewriteEngine on", want: Empty},
		{line: "  redirect  /plain\t/b  ", want: Accepted, rows: rows("302 /plain/* /b/*")},
		{line: `Redirect permanent \`, want: Accepted, rows: rows("301 /joined/* /b/*")},
		{line: `  /joined \`, want: Empty},
		{line: `  /b`, want: Empty},
		{line: "Redirect 301 /plain/below /c", want: Unexpressed, note: "never answers: line 5"},
		{line: "Redirect 302 /plain /b", want: Duplicate, note: "line 5 says the same"},
		{line: "Redirect 301 /plain /b", want: Conflict, note: "line 5 says otherwise"},
		{line: "Redirect seeother /see https://o.example", want: Accepted, rows: rows("302 /see/* https://o.example/*"), note: "303 read as 302"},
		{line: "Redirect 308 /slash/ /b/", want: Accepted, rows: rows("301 /slash/* /b/*"), note: "308 read as 301"},
		{line: "Redirect 301 /glued/ https://o.example/b", want: Unexpressed, note: "without a slash"},
		{line: "Redirect 301 /toslash /b/", want: Accepted, rows: rows("301 /toslash/* /b/*", "301 /toslash /b/", "301 /toslash/index.html /b/index.html", "301 /toslash/ /b/")},
		{line: "Redirect 301 /part /b#part", want: Accepted, rows: rows("301 /part /b#part"), note: "for /part alone"},
		{line: "Redirect 301 /own /b?x=1", want: Accepted, rows: rows("301 /own /b?x=1 drop"), note: "for /own alone"},
		{line: `Redirect 301 "/sp ace" "/a b"`, want: Accepted, rows: rows("301 /sp%20ace/* /a%20b/*")},
		{line: `Redirect 301 /per%20cent /b`, want: Accepted, rows: rows("301 /per%2520cent/* /b/*"), note: "decoded paths"},
		{line: `Redirect 301 /q.php?id=1 /b`, want: Unexpressed, note: "without query"},
		{line: "Redirect gone /gone", want: Accepted, rows: rows("410 /gone/*")},
		{line: "Redirect 404 /none", want: Accepted, rows: rows("404 /none/*")},
		{line: "Redirect 403 /no", want: Unexpressed, note: "status 403"},
		{line: "Redirect 305 /no /x", want: Refused, note: "status 305"},
		{line: "Redirect gone /no /x", want: Refused, note: "a path alone"},
		{line: "Redirect 301 /no", want: Refused, note: "a path and a target"},
		{line: "Redirect 301 /no target", want: Refused, note: "neither a URL nor a path"},
		{line: `Redirect 301 "/no /target`, want: Refused, note: "not closed"},
		{line: "Redirect 301 no /target", want: Refused, note: `"no" is no path`},
		{line: "Redirect 301 /own-self https://www.example.org/own-self", want: Refused, note: "redirect for ever"},
		{line: "RedirectTemp /temp /b", want: Accepted, rows: rows("302 /temp/* /b/*")},
		{line: `RedirectMatch 301 ^/m\.html$ /b`, want: Accepted, rows: rows("301 /m.html /b")},
		{line: `RedirectMatch 301 ^/dot.html$ /b`, want: Accepted, rows: rows("301 /dot.html /b"), note: "any character"},
		{line: `RedirectMatch 301 "^/(?:x|y)/?$" /b`, want: Accepted, rows: rows("301 /x/ /b", "301 /y/ /b")},
		{line: `RedirectMatch 301 ^/begin /b`, want: Accepted, rows: rows("301 /begin/* /b"), note: "merely begins"},
		{line: `RedirectMatch 301 /anywhere$ /b`, want: Unexpressed, note: `begin it with "^"`},
		{line: `RedirectMatch 301 ^/(.*)\.htm$ /$1.html`, want: Unexpressed, note: "behind what varies"},
		{line: `RedirectMatch 301 ^/year/([0-9]+)$ /$1`, want: Unexpressed, note: "beyond texts"},
		{line: `RedirectMatch 301 ^/(?!en)x /b`, want: Unexpressed, note: "beyond texts"},
		{line: `RedirectMatch 301 ^/plus/(.+)$ /b/$1`, want: Unexpressed, note: `".+"`},
		{line: `RedirectMatch 301 ^/middle/(.*)$ /b/$1/end`, want: Unexpressed, note: "target's end"},
		{line: `RedirectMatch 301 ^/query/(.*)$ /b?p=$1`, want: Unexpressed, note: "query"},
		{line: `RedirectMatch 301 (?i)^/Case$ /b`, want: Accepted, rows: rows("301 /Case /b")},
		{line: `RedirectMatch 301 (?i)^/CaseBelow/ /b`, want: Accepted, rows: rows("301 /CaseBelow/* /b"), note: "ignores case"},
		{line: `RewriteRule ^rw$ /b [R=301,L]`, want: Accepted, rows: rows("301 /rw /b")},
		{line: `RewriteRule ^/slash$ /b [R=301,L]`, want: Unexpressed, note: "begin without a slash"},
		{line: `RewriteRule ^relative$ b [R=301,L]`, want: Unexpressed, note: "RewriteBase"},
		{line: `RewriteRule ^inner$ /b [L]`, want: Unexpressed, note: "200 file:"},
		{line: `RewriteRule ^url$ https://o.example/b`, want: Accepted, rows: rows("302 /url https://o.example/b")},
		{line: `RewriteRule ^pass - [L]`, want: Unexpressed, note: "keeps paths"},
		{line: `RewriteRule ^forbid - [F]`, want: Unexpressed, note: "forbids"},
		{line: `RewriteRule ^rwgone - [G]`, want: Accepted, rows: rows("410 /rwgone/*"), note: "merely begins"},
		{line: `RewriteRule ^cookie$ /b [R,CO=a:b:c]`, want: Unexpressed, note: "flag CO=a:b:c"},
		{line: `RewriteRule ^chained$ - [C]`, want: Unexpressed, note: "chained"},
		{line: `RewriteRule ^chain$ /b [R]`, want: Unexpressed, note: "line 54 lets it"},
		{line: `RewriteRule !^not$ /b [R]`, want: Unexpressed, note: "all but some"},
		{line: `RewriteRule ^back$ /%1 [R]`, want: Unexpressed, note: "fills in"},
		{line: `RewriteRule ^map$ ${m:x} [R]`, want: Unexpressed, note: "RewriteMap"},
		{line: `RewriteRule ^status$ /b [R=300]`, want: Unexpressed, note: "status 300"},
		{line: `RewriteRule ^flags$ /b R=301`, want: Refused, note: "brackets"},
		{line: `RewriteRule ^drop$ /b? [R=301,L]`, want: Accepted, rows: rows("301 /drop /b drop")},
		{line: `RewriteRule ^both$ /b?x=1 [R=301,QSA,L]`, want: Accepted, rows: rows("301 /both /b?x=1")},
		{line: `RewriteRule ^escape$ "/b c#d" [R=301,L]`, want: Accepted, rows: rows("301 /escape /b%20c%23d")},
		{line: `RewriteRule ^noescape$ "/b\%20c#d" [R=301,NE,L]`, want: Accepted, rows: rows("301 /noescape /b%20c#d")},
		{line: `RewriteCond %{QUERY_STRING} ^id=7$`, want: Unexpressed, note: "line 67"},
		{line: `RewriteCond %{QUERY_STRING} ^x=8$`, want: Unexpressed, note: "line 67"},
		{line: `RewriteRule ^/?never$ /b? [R=301,L]`, want: Unexpressed, note: "second condition on the whole query"},
		{line: `RewriteCond %{QUERY_STRING} ^id=5$`, want: Empty},
		{line: `RewriteRule ^page\.php$ /five? [R=301,L]`, want: Accepted, rows: rows("301 /page.php?id=5 /five drop"), note: "further parameters"},
		{line: `RewriteCond %{HTTP_HOST} ^www\.example\.org$ [NC]`, want: Empty},
		{line: `RewriteRule ^host$ /b [R=301,L]`, want: Accepted, rows: rows("301 /host /b")},
		{line: `RewriteCond %{HTTP_HOST} !^www\.`, want: Unexpressed, note: "line 73"},
		{line: `RewriteRule ^(.*)$ https://www.example.org/$1 [R=301,L]`, want: Unexpressed, note: "other hosts"},
		{line: `RewriteCond %{REQUEST_FILENAME} !-f`, want: Unexpressed, note: "line 75"},
		{line: `RewriteRule ^cond$ /b [R=301,L]`, want: Unexpressed, note: "REQUEST_FILENAME"},
		{line: `<IfModule mod_rewrite.c>`, want: Empty},
		{line: `  RewriteRule ^inside$ /b [R=301,L]`, want: Accepted, rows: rows("301 /inside /b")},
		{line: `</IfModule>`, want: Empty},
		{line: `<IfModule !mod_rewrite.c>`, want: Empty},
		{line: `  Redirect /without /b`, want: Unexpressed, note: "without the module"},
		{line: `</IfModule>`, want: Empty},
		{line: `<Files x.html>`, want: Empty},
		{line: `  Redirect /files /b`, want: Unexpressed, note: "inside <files>"},
		{line: `</Files>`, want: Empty},
		{line: `</Files>`, want: Refused, note: "closes no container"},
		{line: `<VirtualHost *:80>`, want: Empty},
		{line: `  Redirect /vhost /b`, want: Unexpressed, note: "in an .htaccess"},
		{line: `</VirtualHost>`, want: Empty},
	})
}

func TestHttpdOddities(t *testing.T) {
	checkOddities(t, ReadOptions{Format: Httpd, Hosts: hosts}, "\n", []odd{
		{line: `DocumentRoot "/var/www"`, want: Empty},
		{line: `<VirtualHost *:80>`, want: Empty},
		{line: `  ServerName other.example`, want: Empty},
		{line: `  Redirect / https://o.example/`, want: Unexpressed, note: "for the host other.example"},
		{line: `</VirtualHost>`, want: Empty},
		{line: `<VirtualHost *:443>`, want: Empty},
		{line: `  RewriteEngine On`, want: Empty},
		{line: `  <Directory /var/www/sub>`, want: Empty},
		{line: `    Redirect /sub/a /late`, want: Conflict, note: "never answers: line 17"},
		{line: `    Redirect /sub/b /b`, want: Accepted, rows: rows("302 /sub/b/* /b/*")},
		{line: `    Redirect /else /b`, want: Unexpressed, note: "below /sub/"},
		{line: `    RewriteEngine On`, want: Empty},
		{line: `    RewriteRule ^c$ /b [R]`, want: Accepted, rows: rows("302 /sub/c /b")},
		{line: `  </Directory>`, want: Empty},
		{line: `  RewriteRule ^/d$ /b [R]`, want: Accepted, rows: rows("302 /d /b")},
		{line: `  RewriteRule ^e$ /b [R]`, want: Unexpressed, note: "elsewhere with one"},
		{line: `  Redirect /sub/a /early`, want: Accepted, rows: rows("302 /sub/a/* /early/*")},
		{line: `  <Location /loc>`, want: Empty},
		{line: `    Redirect /loc/a /b`, want: Accepted, rows: rows("302 /loc/a/* /b/*")},
		{line: `    Redirect https://o.example`, want: Unexpressed, note: "from <Location>"},
		{line: `    RewriteEngine On`, want: Empty},
		{line: `    RewriteRule ^x$ /b [R]`, want: Unexpressed, note: "inside <Location>"},
		{line: `  </Location>`, want: Empty},
		{line: `  <Directory /srv/other>`, want: Empty},
		{line: `    Redirect /x /b`, want: Unexpressed, note: "not below the DocumentRoot"},
		{line: `  </Directory>`, want: Empty},
		{line: `  <LocationMatch ^/x>`, want: Empty},
		{line: `    Redirect /x /b`, want: Unexpressed, note: "inside <locationmatch>"},
		{line: `  </LocationMatch>`, want: Empty},
		{line: `  ServerAlias WWW.example.org`, want: Empty},
		{line: `</VirtualHost>`, want: Empty},
		{line: `RewriteRule ^/main$ /b [R]`, want: Unexpressed, note: `no "RewriteEngine On"`},
	})
}

func TestRedirectsOddities(t *testing.T) {
	checkOddities(t, ReadOptions{Format: Redirects, Hosts: hosts}, "\n", []odd{
		{line: "# comment", want: Empty},
		{line: "/a /b", want: Accepted, rows: rows("301 /a /b")},
		{line: "/forced\t/b  302!  # why", want: Accepted, rows: rows("302 /forced /b")},
		{line: "/splat/* /new/:splat 301", want: Accepted, rows: rows("301 /splat/* /new/*"), note: "hides files"},
		{line: "/fixed/* /new 301!", want: Accepted, rows: rows("301 /fixed/* /new")},
		{line: "/splat/in /in", want: Unexpressed, note: "never answers: line 4"},
		{line: "/a/ /b", want: Duplicate, note: "line 2"},
		{line: "/a /c", want: Conflict, note: "line 2"},
		{line: "/308 /b 308", want: Accepted, rows: rows("301 /308 /b"), note: "308 read as 301"},
		{line: "/store id=5 /five", want: Accepted, rows: rows("301 /store?id=5 /five")},
		{line: "/store id=:id /blog/:id", want: Unexpressed, note: "placeholder"},
		{line: "/store /all", want: Accepted, rows: rows("301 /store /all")},
		{line: "/store id=6 /six", want: Unexpressed, note: "never answers: line 12"},
		{line: "/news/:year /blog/:year", want: Unexpressed, note: "placeholder"},
		{line: "/x /y/:z", want: Unexpressed, note: "placeholder in its target"},
		{line: "/land /de 302 Country=de Language=de", want: Unexpressed, note: "Country=de Language=de"},
		{line: "/land /de Country=de", want: Unexpressed, note: "Country=de"},
		{line: "/app/* /index.html 200", want: Unexpressed, note: "hide the files"},
		{line: "/shown /shown.html 200", want: Accepted, rows: rows("200 /shown file:/shown.html")},
		{line: "/shown2 /shown 200", want: Unexpressed, note: "no file by its name"},
		{line: "/proxy https://o.example/x 200", want: Unexpressed, note: "another host"},
		{line: "/none /404.html 404", want: Accepted, rows: rows("404 /none"), note: "is not shown"},
		{line: "https://www.example.org/whole https://o.example/x#f", want: Accepted, rows: rows("301 /whole https://o.example/x#f")},
		{line: "https://old.example/whole /x", want: Refused, note: "not on a host"},
		{line: "/alone", want: Refused, note: "no target"},
		{line: "/status /b 30x", want: Refused, note: "no status"},
		{line: "/status /b 305", want: Refused, note: "status 305"},
		{line: "/mid*dle /b", want: Unexpressed, note: `"*"`},
		{line: "/frag#x /b", want: Refused, note: "fragment"},
		{line: "/s/* /b/:splat/c", want: Unexpressed, note: "elsewhere"},
		{line: "/s/* /b?p=:splat", want: Unexpressed, note: "elsewhere"},
		{line: "/nosplat /b/:splat", want: Refused, note: `no "/*"`},
		{line: "rel /b", want: Refused, note: "does not start"},
		{line: "/lost/* /404.html 404", want: Unexpressed, note: "write 404! where"},
		{line: "/lost2/* /404.html 404!", want: Accepted, rows: rows("404 /lost2/*"), note: "is not shown"},
		{line: "/* /404.html 410", want: Unexpressed, note: "hide the files"},
		{line: "/* https://new.example/:splat 302", want: Accepted, rows: rows("302 /* https://new.example/*"), note: "hides files"},
	})
}

func TestMapOddities(t *testing.T) {
	checkOddities(t, ReadOptions{Format: RewriteMap, Hosts: hosts}, "\n", []odd{
		{line: "# comment", want: Empty},
		{line: "/a  /b", want: Accepted, rows: rows("301 /a /b")},
		{line: "bare.html https://o.example/x ignored", want: Accepted, rows: rows("301 /bare.html https://o.example/x")},
		{line: "/star* /b*", want: Accepted, rows: rows("301 /star%2A /b%2A")},
		{line: "/ó /b", want: Accepted, rows: rows("301 /%C3%B3 /b")},
		{line: "/a /b", want: Duplicate},
		{line: "/a /c", want: Conflict},
		{line: "/alone", want: Refused, note: "without a value"},
		{line: "https://o.example/ /b", want: Refused, note: "not on a host"},
	})
	checkOddities(t, ReadOptions{Format: NginxMap, Hosts: hosts}, "\n", []odd{
		{line: "map $uri $new { # comment", want: Empty},
		{line: `    default "";`, want: Empty},
		{line: `    /a /b;`, want: Accepted, rows: rows("301 /a /b")},
		{line: `    "/sp ace" '/b"c';`, want: Accepted, rows: rows("301 /sp%20ace /b%22c")},
		{line: `    /two /b; /three /c;`, want: Accepted, rows: rows("301 /two /b", "301 /three /c")},
		{line: `    /four /b; /five;`, want: Refused, rows: rows("301 /four /b"), note: "1 words"},
		{line: `    /split`, want: Accepted, rows: rows("301 /split /b")},
		{line: `        /b;`, want: Empty},
		{line: `    ~^/p(/.*)?$ /new$1;`, want: Accepted, rows: rows("301 /p/* /new/*")},
		{line: `    ~*^/Case$ /b;`, want: Accepted, rows: rows("301 /Case /b")},
		{line: `    "~^/x\.html$" /b;`, want: Accepted, rows: rows("301 /x.html /b")},
		{line: `    ~^/a$ /late;`, want: Conflict, note: "line 3"},
		{line: `    ~^/p/q$ /late;`, want: Unexpressed, note: "never answers: line 9"},
		{line: `    ~^/n/(?<y>[0-9]+) /$y;`, want: Unexpressed},
		{line: `    \~lit /b;`, want: Accepted, rows: rows("301 /~lit /b")},
		{line: `    /var $x;`, want: Unexpressed, note: "variable"},
		{line: `    /none "";`, want: Unexpressed, note: "no target"},
		{line: `    include more.map;`, want: Unexpressed, note: "another file"},
		{line: `    hostnames;`, want: Empty},
		{line: `    default /all;`, want: Unexpressed, note: "all other paths"},
		{line: `    /a /b;`, want: Duplicate},
		{line: `}`, want: Empty},
		{line: `server {`, want: Unexpressed, note: "is no map"},
		{line: `    listen 80 }`, want: Refused},
		{line: `/end "/b`, want: Refused, note: "not closed"},
	})
}

// FuzzRead: every format reads every text without a panic, accounts for every
// line, makes clean rows, and reads what it wrote of them as it was.
func FuzzRead(f *testing.F) {
	seeds := []string{
		"path,status,source,query,tags,note\r\n/a b?x=%41,302,/c?d#e,drop,\"x, y\",\"n\r\r\n\"\r\n/p/*,301,https://www.example.org/q/*,,,\n",
		"\ufeffnote\tsource\tstatus\tpath\n\"#\"\twiki:Ünï \"\"q\t200\t/ü\n\t\t404\t/x\n",
		`{"path":"/a","status":301,"source":"/b","tags":["x"]}` + "\n{}\n",
		"RewriteEngine On\nRedirect 301 /a /b/\nRedirectMatch ^/(a|b)/?(.*)$ /c/$2\nRewriteCond %{QUERY_STRING} a=b\nRewriteRule ^x(/.*)?$ http://h/$1 [R,NE,QSA]\n<IfModule x>\nRedirect gone /\\\n y\n",
		"/a/* /b/:splat 301!\n/c x=1 /d 302 Country=x\n/* / 200\n",
		"a b c\n/x*y /z\n",
		"map $a $b {\n\"/a\" '/b'; ~^/(a|b)/?$ /c$1; }\n\\~x \"\\\\\" ;",
		"<VirtualHost *>\nServerName x\n<Directory \"/a\\\"b\">\nRedirect / /b\n</Directory></VirtualHost>\n",
	}
	for _, text := range seeds {
		for i := range Formats() {
			f.Add(uint8(i), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, text []byte) {
		format := Formats()[int(n)%len(Formats())]
		o := ReadOptions{Format: format, Hosts: hosts, Base: "/sub/", IndexNames: []string{"index.html"}}
		in, err := Read(t.Context(), strings.NewReader(string(text)), o)
		if err != nil {
			return
		}
		checkReading(t, in, string(text), o)
		pages := make([]mapping.Page, len(in.Rows))
		for i, row := range in.Rows {
			pages[i] = row.Page
		}
		checkRoundTrip(t, format, pages, o.IndexNames)
	})
}
