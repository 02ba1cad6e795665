package bridge

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// typeCommand is the type of a command in an envelope.
const typeCommand = "hogar.command.v1"

// Limits of what a sender may send.
const (
	maxCommand = 64 << 10 // bytes of a body
	maxID      = 128      // bytes
	maxReason  = 200      // bytes
)

// origin is where commands of one queue come from.
type origin struct {
	exchange string
	prefix   string // of their keys
	ttl      int64  // ms that one lives at most after it was received
}

// trouble is why a command is not understood.
type trouble struct{ problem, hint string }

func troubled(hint, format string, args ...any) *trouble {
	return &trouble{fmt.Sprintf(format, args...), hint}
}

// envelope is the body of a message of type hogar.command.v1.
type envelope struct {
	ID      string          `json:"id"`
	Set     json.RawMessage `json:"set"`
	Expires time.Time       `json:"expires,omitzero"`
	Reason  string          `json:"reason,omitempty"`
}

// understand makes a command of a delivery. Where it cannot, the command has what
// could be made out, and an id in every case.
func (b *Bridge) understand(d *amqp.Delivery, from origin, received time.Time) (home.Command, *trouble) {
	c, bad := b.heading(d, received)
	name, own := strings.CutPrefix(d.RoutingKey, from.prefix)
	if bad == nil && (!own || d.Exchange != from.exchange) {
		bad = troubled("send it to exchange "+from.exchange+" with a key that begins with "+from.prefix,
			"key %q of exchange %q is not this gateway's (did it come by a CC header?)", plain(d.RoutingKey, maxKey), plain(d.Exchange, maxKey))
	}
	object := bytes.HasPrefix(bytes.TrimSpace(d.Body), []byte("{"))
	property := b.split(name, object || d.Type != "", &c)
	expires, unread := read(d, &c, property)
	if bad == nil {
		bad = unread
	}
	c.Deadline = b.deadline(d, expires, received, from.ttl)
	c.Expires = b.opts.Clock.At(c.Deadline)
	return c, bad
}

// heading makes a command of what stands outside the body.
func (b *Bridge) heading(d *amqp.Delivery, received time.Time) (home.Command, *trouble) {
	c := home.Command{ID: d.MessageId, Source: sourceOf(d), Received: b.opts.Clock.At(received), Redelivered: d.Redelivered}
	bad := checkID(c.ID)
	if c.ID == "" || bad != nil {
		c.ID, c.OwnID = "amqp-"+rand.Text()[:16], true
	}
	return c, bad
}

// anonymous is the source of a message without a user_id.
const anonymous = "amqp:anonymous"

// sourceOf is who sent a message, by the user_id that RabbitMQ has checked.
func sourceOf(d *amqp.Delivery) string {
	if d.UserId == "" {
		return anonymous
	}
	return "amqp:" + plain(d.UserId, maxID)
}

// split sets the device that a key names, and returns the property, if it names one.
func (b *Bridge) split(name string, object bool, c *home.Command) (property string) {
	c.Device = name
	known := false
	if b.opts.Names != nil {
		var device string
		if device, property, known = b.opts.Names.Resolve(name); known {
			c.Device = device
		}
	}
	if !known && !object { // the door says what there is instead
		c.Device, property = home.Split(name)
	}
	c.Device = plain(c.Device, maxName)
	return property
}

// read reads the body. It returns the envelope's deadline, if there is one.
func read(d *amqp.Delivery, c *home.Command, property string) (expires time.Time, bad *trouble) {
	if err := home.CheckAddress(c.Device); err != nil {
		return expires, troubled("`hogar devices` lists the names", "the key names no device: %v", err)
	}
	body := bytes.TrimSpace(d.Body)
	switch n := bodySize(d); {
	case n > maxCommand:
		return expires, troubled("", "the body has %d bytes; a command has at most %d", n, maxCommand)
	case len(body) == 0:
		return expires, troubled("send a value, like on, or an object, like {\"state\":true}", "the body is empty")
	case !utf8.Valid(body):
		return expires, troubled("", "the body is not UTF-8")
	case d.ContentEncoding != "" && !strings.EqualFold(d.ContentEncoding, "utf-8") && d.ContentEncoding != "identity":
		return expires, troubled("send it as it is", "content_encoding %q is not understood", plain(d.ContentEncoding, maxID))
	}
	switch d.Type {
	case "":
		return expires, readPlain(body, c, property)
	case typeCommand:
		return readEnvelope(body, c, property, d.MessageId)
	}
	return expires, troubled("leave type empty for a plain body, or use hogar.command.v1", "type %q is not understood",
		plain(d.Type, maxID))
}

// readPlain reads one value for a property, or an object of properties for a device.
func readPlain(body []byte, c *home.Command, property string) *trouble {
	if property != "" {
		c.Set = home.Settings{{Property: property, Value: scalar(body)}}
		return checkSet(c.Set)
	}
	if body[0] != '{' {
		return troubled("end the key with the property, like "+c.Device+".state, or send an object, like {\"state\":true}",
			"the key names the device %s, and the body is a single value", c.Device)
	}
	return readSet(body, c)
}

// scalar reads a value as people write it: JSON, or else the text as it stands.
func scalar(body []byte) home.Value {
	if v, err := home.ParseValue(body); err == nil {
		return v
	}
	return home.TextOf(string(body))
}

func readSet(body []byte, c *home.Command) *trouble {
	var set home.Settings
	if err := json.Unmarshal(body, &set); err != nil {
		return troubled("send an object of properties and values, like {\"state\":true}", "the body cannot be read: %v", err)
	}
	c.Set = set
	return checkSet(set)
}

func checkSet(set home.Settings) *trouble {
	if len(set) == 0 {
		return troubled("name a property and a value, like {\"state\":true}", "it sets nothing")
	}
	for _, s := range set {
		if err := home.CheckWord(s.Property); err != nil {
			return troubled("`hogar devices` lists the properties", "no property can be called so: %v", err)
		}
		if !s.Value.Known() {
			return troubled("", "the value of %s is null", s.Property)
		}
	}
	return nil
}

func readEnvelope(body []byte, c *home.Command, property, messageID string) (time.Time, *trouble) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return time.Time{}, troubled(`it looks like {"id":"…","set":{"state":true},"expires":"2026-11-22T20:15:00Z","reason":"…"}`,
			"the envelope cannot be read: %v", err)
	}
	c.Reason = plain(e.Reason, maxReason)
	switch {
	case e.ID == "":
	case checkID(e.ID) != nil:
		return e.Expires, checkID(e.ID)
	case messageID != "" && messageID != e.ID:
		return e.Expires, troubled("give one of them, or both the same", "the envelope's id %s is not the message_id %s", e.ID, plain(messageID, maxID))
	default:
		c.ID, c.OwnID = e.ID, false
	}
	if len(e.Set) == 0 {
		return e.Expires, troubled(`name what to set, like "set":{"state":true}`, "the envelope has no set")
	}
	if bad := readSet(e.Set, c); bad != nil {
		return e.Expires, bad
	}
	for _, s := range c.Set {
		if property != "" && s.Property != property {
			return e.Expires, troubled("leave the property out of the key", "the key names %s, and the envelope sets %s", property, s.Property)
		}
	}
	return e.Expires, nil
}

// deadline is the earliest of what the sender and the gateway allow, in machine time.
func (b *Bridge) deadline(d *amqp.Delivery, expires, received time.Time, ttl int64) time.Time {
	lives := time.Duration(ttl) * time.Millisecond
	expiration, err := strconv.ParseInt(d.Expiration, 10, 64)
	limited := err == nil && expiration >= 0
	if limited && expiration < ttl {
		lives = time.Duration(expiration) * time.Millisecond
	}
	at := received.Add(lives)
	// The distance from the wall time is added to the machine's time, which no setting of the
	// clock moves afterwards. A clock that is not trusted cannot say what is over.
	earlier := func(limit time.Time) {
		if t := received.Add(limit.Sub(clock.Wall(received))); t.Before(at) && b.opts.Clock.Trusted() {
			at = t
		}
	}
	if !expires.IsZero() {
		earlier(expires)
	}
	if limited && expiration < int64(365*24*time.Hour/time.Millisecond) && !d.Timestamp.IsZero() {
		// A timestamp has whole seconds: the command may have been sent up to one later.
		earlier(d.Timestamp.Add(time.Second + time.Duration(expiration)*time.Millisecond))
	}
	return at
}

func checkID(id string) *trouble {
	if len(id) > maxID {
		return troubled("", "the id has %d bytes; an id has at most %d", len(id), maxID)
	}
	for _, r := range id {
		if r <= ' ' || r == 0x7f || r == utf8.RuneError {
			return troubled("use letters, digits and signs", "the id %q has a character that an id cannot have", id)
		}
	}
	return nil
}

// plain makes a text from outside fit to be shown and recorded.
func plain(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
