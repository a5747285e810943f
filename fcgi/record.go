// The record layer: headers, name-value pairs, the numbers of FastCGI 1.0.

package fcgi

import "encoding/binary"

// Record types (FastCGI 1.0, section 8).
const (
	typeBegin      = 1
	typeAbort      = 2
	typeEnd        = 3
	typeParams     = 4
	typeStdin      = 5
	typeStdout     = 6
	typeGetValues  = 9
	typeValues     = 10
	typeUnknown    = 11
	firstUndefined = 12
)

const (
	version       = 1
	headerSize    = 8
	maxContent    = 65535
	roleResponder = 1
	flagKeep      = 1
)

// Protocol statuses of END_REQUEST (section 5.5).
const (
	statusComplete    = 0
	statusCantMpx     = 1
	statusUnknownRole = 3
)

// header is the header of a record (section 3.3).
type header struct {
	version uint8
	kind    uint8
	id      uint16
	length  int // bytes of content
	padding int // bytes after it
}

func parseHeader(b []byte) header {
	return header{
		version: b[0],
		kind:    b[1],
		id:      binary.BigEndian.Uint16(b[2:]),
		length:  int(binary.BigEndian.Uint16(b[4:])),
		padding: int(b[6]),
	}
}

// putHeader writes the header of a record without padding into b.
func putHeader(b []byte, kind uint8, id uint16, length int) {
	b[0], b[1], b[6], b[7] = version, kind, 0, 0
	binary.BigEndian.PutUint16(b[2:], id)
	binary.BigEndian.PutUint16(b[4:], uint16(length))
}

// appendRecord appends a record of at most maxContent bytes.
func appendRecord(b []byte, kind uint8, id uint16, content []byte) []byte {
	var h [headerSize]byte
	putHeader(h[:], kind, id, len(content))
	return append(append(b, h[:]...), content...)
}

// appendStream appends content as records of one kind, and the empty record
// that ends a stream.
func appendStream(b []byte, kind uint8, id uint16, content []byte) []byte {
	for len(content) > 0 {
		n := min(len(content), maxContent)
		b = appendRecord(b, kind, id, content[:n])
		content = content[n:]
	}
	return appendRecord(b, kind, id, nil)
}

func appendBegin(b []byte, id uint16) []byte {
	return appendRecord(b, typeBegin, id, []byte{0, roleResponder, flagKeep, 0, 0, 0, 0, 0})
}

func appendEnd(b []byte, id uint16, status uint8) []byte {
	return appendRecord(b, typeEnd, id, []byte{0, 0, 0, 0, status, 0, 0, 0})
}

// nextPair cuts the first name-value pair (section 3.4) off b, which is not
// empty. It reports whether there was a whole one.
func nextPair(b []byte) (name, value, rest []byte, ok bool) {
	nameLen, b, ok1 := pairLength(b)
	valueLen, b, ok2 := pairLength(b)
	if !ok1 || !ok2 || nameLen > len(b) || valueLen > len(b)-nameLen {
		return nil, nil, nil, false
	}
	return b[:nameLen], b[nameLen : nameLen+valueLen], b[nameLen+valueLen:], true
}

func pairLength(b []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 0x80:
		return int(b[0]), b[1:], true
	case len(b) >= 4 && b[0] >= 0x80:
		return int(binary.BigEndian.Uint32(b) &^ (1 << 31)), b[4:], true
	}
	return 0, nil, false
}

func appendPair[T string | []byte](b []byte, name []byte, value T) []byte {
	b = appendPairLength(appendPairLength(b, len(name)), len(value))
	return append(append(b, name...), value...)
}

func appendPairLength(b []byte, n int) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	return binary.BigEndian.AppendUint32(b, uint32(n)|1<<31)
}
