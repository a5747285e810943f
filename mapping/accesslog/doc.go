// Package accesslog reads web servers' access logs.
//
// Parse understands the formats that Apache calls common and combined, and nginx
// writes too, each also with the virtual host in front:
//
//	client ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes
//	client ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes "referrer" "agent"
//	host:port client ident user [...] ...
//
// What follows is passed over: logs have fields of their own there. The request
// is method, target and protocol; a target may hold spaces, as servers log it
// from clients that forget to escape them. A request that is none, such as the
// "-" of a connection on which nothing was asked, leaves Method, Target and
// Protocol empty. In quoted fields the escapes \" \\ \n \r \t \b \v and \xHH
// stand for their bytes.
//
// Scanner reads a log line by line, compressed with gzip or not, also where
// several compressed files were written one behind the other. Lines end in LF
// or CR LF.
package accesslog
