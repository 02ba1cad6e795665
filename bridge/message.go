package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// publishedKinds are the kinds that have routing keys; the numbers of the first seven.
var publishedKinds = []home.Kind{home.KindReading, home.KindEvent, home.KindStatus, home.KindOutcome, home.KindRule,
	home.KindGateway, home.KindCatalog}

// types are the AMQP types of the kinds.
var types = func() map[home.Kind]string {
	m := map[home.Kind]string{home.KindPublish: "hogar.message.v1"}
	for _, k := range publishedKinds {
		m[k] = "hogar." + k.String() + ".v1"
	}
	return m
}()

// message is a record made ready to be sent.
type message struct {
	seq      uint64
	kind     home.Kind
	class    home.Class
	skip     bool   // it is not published
	bad      string // why nobody can ever send it
	exchange string
	key      string
	pub      amqp.Publishing // without headers

	dseq            uint64 // the device's own count; 0: none
	late, simulated bool
	clock           string // what its time is worth, see [Options.Worth]
}

// headers writes the message's headers into t, in place of what is there, and returns it.
func (m *message) headers(t amqp.Table) amqp.Table {
	clear(t)
	t["seq"], t["late"], t["simulated"] = int64(m.seq), m.late, m.simulated
	if m.dseq != 0 {
		t["dseq"] = int64(m.dseq)
	}
	if m.clock != "" {
		t["clock"] = m.clock
	}
	return t
}

// publishing is what is sent, with headers of its own.
func (m *message) publishing() amqp.Publishing {
	pub := m.pub
	pub.Headers = m.headers(make(amqp.Table))
	return pub
}

// maker makes messages of one session: with that connection's user.
type maker struct {
	opts *Options
	user string
	app  string
	id   []byte // of a message, up to its number
}

func newMaker(o *Options, journalID, user string) *maker {
	return &maker{opts: o, user: user, app: "hogar/" + o.Version, id: []byte(journalID + "-")}
}

// make reads a record. It keeps nothing of rec.Body.
func (m *maker) make(rec journal.Record) message {
	kind, flags := home.Kind(rec.Kind), home.Flags(rec.Flags)
	msg := message{seq: rec.Seq, kind: kind, class: home.Class(rec.Class), exchange: m.opts.Exchange}
	typ, known := types[kind]
	if flags&home.FlagPublished == 0 || !known {
		msg.skip = true
		return msg
	}
	body := bytes.Clone(rec.Body)
	word, by := m.worth(&rec)
	if by != 0 {
		rec.Time, body = rec.Time+by.Microseconds(), home.Moved(kind, body, by)
	}
	msg.clock = word
	about := subjectOf(body)
	msg.dseq, msg.late, msg.simulated = about.DSeq, flags&home.FlagLate != 0, m.opts.Simulated || flags&home.FlagSimulated != 0
	if kind == home.KindPublish {
		e, err := home.ParseEvent(kind, body)
		if err != nil {
			msg.bad = err.Error()
			return msg
		}
		msg.exchange, msg.key, body = e.Message.Exchange, e.Message.Key, e.Message.Body
		if n := max(len(msg.key), len(msg.exchange)); n > maxKey {
			msg.bad = fmt.Sprintf("its key or exchange has %d bytes; AMQP allows %d", n, maxKey)
		}
	} else {
		msg.key = m.opts.Gateway + "." + kind.String() + "." + about.name(kind)
	}
	msg.pub = amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, Type: typ,
		AppId: m.app, Timestamp: time.Unix(rec.Time/1_000_000, 0), UserId: m.user,
		MessageId: string(strconv.AppendUint(m.id, rec.Seq, 10)), Body: body,
	}
	return msg
}

// worth says what the time of a record is worth.
func (m *maker) worth(rec *journal.Record) (word string, by time.Duration) {
	switch {
	case m.opts.Worth != nil:
		return m.opts.Worth(rec.Seq)
	case home.Flags(rec.Flags)&home.FlagUntrusted != 0:
		return home.ClockUntrusted, 0
	}
	return "", 0
}

// maxKey is AMQP's limit of a routing key, in bytes.
const maxKey = 255

// subject is what an event is about, as far as its key and headers need it.
type subject struct {
	Device   string `json:"device"`
	Property string `json:"property"`
	Rule     string `json:"rule"`
	Gateway  string `json:"gateway"`
	DSeq     uint64 `json:"dseq"`
}

// subjectOf reads an event's body. Readings, which are nearly all, are read
// without decoding JSON: home writes device and property first and dseq last, and no
// name has a character that JSON escapes.
func subjectOf(body []byte) subject {
	rest, ok := bytes.CutPrefix(body, []byte(`{"device":"`))
	if ok {
		device, rest, _ := bytes.Cut(rest, []byte(`"`))
		rest, ok = bytes.CutPrefix(rest, []byte(`,"property":"`))
		property, _, closed := bytes.Cut(rest, []byte(`"`))
		if ok && closed && bytes.IndexByte(device, '\\') < 0 && bytes.IndexByte(property, '\\') < 0 {
			return subject{Device: string(device), Property: string(property), DSeq: lastDSeq(body)}
		}
	}
	var s subject
	if json.Unmarshal(body, &s) != nil {
		return subject{} // the journal's checksum held: it was written so, and goes out so
	}
	return s
}

// lastDSeq reads ,"dseq":4711} at the end of a body. Within a string the quotes
// would be escaped, and after a value that is an object comes at least the time.
func lastDSeq(body []byte) uint64 {
	body, ok := bytes.CutSuffix(body, []byte("}"))
	if !ok {
		return 0
	}
	i := len(body)
	for i > 0 && body[i-1] >= '0' && body[i-1] <= '9' {
		i--
	}
	if !bytes.HasSuffix(body[:i], []byte(`,"dseq":`)) {
		return 0
	}
	n, err := strconv.ParseUint(string(body[i:]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// name is the last part of the key. A receipt may be about a device that does
// not exist, under a name that is no name: its key ends in unknown, which no
// device is called.
func (s subject) name(kind home.Kind) string {
	var name string
	switch kind {
	case home.KindReading, home.KindEvent:
		name = home.Join(s.Device, s.Property)
	case home.KindRule:
		name = s.Rule
	case home.KindGateway:
		name = s.Gateway
	default:
		if home.CheckAddress(s.Device) == nil {
			name = s.Device
		}
	}
	if name == "" || len(name) > maxName {
		return "unknown"
	}
	return name
}

// maxName leaves room for the gateway's name and the kind within [maxKey].
const maxName = 200
