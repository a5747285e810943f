// Package fcgi is the boundary between a web server and the handler of pages: it
// answers FastCGI 1.0 requests of the responder role with an http.Handler.
//
// The work is net/http/fcgi's. It assumes a web server that never breaks the
// protocol, and handlers without mistakes, and it has no limits. This package
// stands on both sides of it: before the library, a conn reads the web server's
// records and gives the library only whole, checked requests without a body;
// behind it, a response checks what the handler answers; and what the library
// writes, an answer's head and end, goes through the conn again, with the body
// put between them. Section numbers are those of the FastCGI specification.
//
// An answer that stands ready need not go through the library at all: a request
// without a body is first shown to Options.Prompt, which may answer it from the
// goroutine that reads the connection, at a small part of the cost. What it
// leaves passes through the library unchanged.
//
// # Guarantees
//
//   - A panic of the handler costs its own request: 500, or a broken connection
//     where a part of the answer was sent. http.ErrAbortHandler breaks the
//     connection without a word in the log.
//   - The next request on a connection gets its own answer, whatever the former
//     one did: a body that nobody read is discarded, a write after the handler's
//     return fails with ErrRequestOver and goes nowhere.
//   - An answer has exactly the length that it declares. One of at most 64 KiB
//     always declares it. One that is too short is answered 500, or broken off
//     where a part was sent; writing more fails with http.ErrContentLength.
//   - The handler's context ends when the web server closes the connection
//     (cause ErrGone) or aborts the request (ErrAborted), and after
//     RequestTimeout (context.DeadlineExceeded). Then 503 goes out at once, if
//     nothing has.
//   - A body has exactly CONTENT_LENGTH bytes; what is missing is
//     io.ErrUnexpectedEOF. It is read ahead of the handler by at most 64 KiB. A
//     connection closed under a larger unread body is noticed by RequestTimeout.
//   - All of this holds for Prompt, which has no context: at RequestTimeout 503
//     goes out for it, its own answer nowhere, and the connection is closed.
//   - Memory is bounded by the Options, whatever is sent.
//   - No error of accept(2) that passes by itself ends Serve.
//
// # What the handler sees
//
// http.Request.RequestURI is the raw REQUEST_URI, in whatever form it came.
// URL is its path and query, never a host; where the target cannot be parsed,
// URL.Path is the raw path. Host is HTTP_HOST, or the authority of an
// absolute-form target (RFC 9112, section 3.2.2), or empty. SCRIPT_NAME,
// PATH_INFO and QUERY_STRING are not used. ContentLength is -1 for a body of
// unknown length. All other parameters are as net/http/fcgi gives them.
//
// Refused with 400 are: a method that is no token, a target with a space or a
// control character, a host with anything but the characters of names,
// addresses and ports, a CONTENT_LENGTH that is not decimal digits, a header
// with an invalid name or a control character, a SERVER_PROTOCOL that is no HTTP
// version, no method or target at all, and parameters that are cut off.
//
// Prompt sees the parameters as they came, and the same raw REQUEST_URI. It is not
// asked where a header's name has other letters than A to Z, digits and "_", which
// the library would take for another spelling of the same header.
//
// # What the handler answers
//
// Informational statuses are ignored. The headers Status, Transfer-Encoding,
// Connection and Trailer are removed: they are the web server's, or have a
// meaning of their own to it. A header with a control character, or longer than
// Apache takes, is answered 500. The header is frozen by WriteHeader. An answer
// without a body gets no guessed Content-Type, and one to HEAD the length of the
// body that was written but is not sent. The fields that Prompt sets are treated
// alike; its answers always declare their length.
//
// The server's own answers are 400 and 431 (parameters), 408 (a body that does
// not come), 413, 500, and 503 for more than MaxRequests at once, with
// Retry-After; all are no-store.
//
// # Records
//
// A connection has one request at a time. Its records are BEGIN_REQUEST,
// PARAMS until an empty one, STDIN until an empty one; the handler is called
// once PARAMS have ended. What happens with others:
//
//	BEGIN_REQUEST while one is open    other id: END_REQUEST, CANT_MPX_CONN; same id: close
//	BEGIN_REQUEST of another role      END_REQUEST, UNKNOWN_ROLE (section 5.5)
//	ABORT_REQUEST                      the context ends; END_REQUEST at once, and only one (5.4)
//	records of an id that is not open  discarded (3.3), at most 16 MiB and for BodyTimeout until the next request
//	GET_VALUES                         GET_VALUES_RESULT with what was asked for and is known;
//	                                   FCGI_MPXS_CONNS is 0 (4.1)
//	other types with id 0              UNKNOWN_TYPE (4.2)
//	application records with id 0, types of the answering side, wrong order,
//	another version, half a record     close
//
// Limits: PARAMS of more than MaxParams are discarded and answered 431 when they
// have ended. From the first byte of a request to its last parameter it may take
// HeaderTimeout, to the end of its body BodyTimeout.
//
// An answer is as few STDOUT records as possible, of up to 65,535 bytes, without
// padding and without the empty one at the end, which END_REQUEST implies: for a
// small page all is one write. http.Flusher sends what there is. A small
// request is one read.
//
// # Listening and draining
//
// Listen makes listeners; none is reachable from other machines unless that is
// asked for, since FastCGI has no authentication: who can connect can forge
// every parameter. Shutdown and HandOver end a server without failing requests.
package fcgi
