// Package dialect has the words between a connection to an MQTT broker and those
// who understand what is said there.
//
// A [Dialect] is one way of speaking: that of Zigbee2MQTT below one base topic,
// say. It is told each message and answers what it understood: which devices
// there are, what they say, what is to be sent. It knows no broker, no clock and
// no names of the house: it calls a device by its stable address, and [Names]
// gives each address its name.
package dialect

import (
	"time"

	"hogar/gateway/home"
)

// Message is one MQTT message.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
	Late     bool // of one that came: retained, again, or from a backlog
}

// Dialect is one way of speaking. It is used by one goroutine at a time, but
// Command is safe for concurrent use with the others.
type Dialect interface {
	// Filters lists the topic filters to be subscribed now. They change only with
	// a message that told devices.
	Filters() []string
	// Read understands a message. mine is false for one of somebody else; what is
	// mine and of no use is told as [Told.Ignored]. The payload is not kept, and the
	// readings are valid until the next call.
	Read(m Message) (t Told, mine bool)
	// Command says what to send so that the device sets the property. The value
	// has passed [home.Property.Accept] and is no toggle.
	Command(id, property string, v home.Value) (Order, error)
}

// Asker is a dialect whose devices can be asked for a property's value now.
type Asker interface {
	// Ask says what to send; the answer comes as a reading.
	Ask(id, property string) (Message, error)
}

// Announcer is a dialect whose devices announce themselves by retained messages.
type Announcer interface {
	// Announcements lists those of the filters that have nothing but announcements. They
	// come again with each subscription, and so are heard at QoS 0: a broker that keeps only so many
	// messages for a client drops none for them.
	Announcements() []string
}

// Rememberer is a dialect in which devices are renamed: what was said under the name
// before may still wait in the broker.
type Rememberer interface {
	// Remember takes the name that a device had in the run before. Called before all else.
	Remember(id, label string)
}

// Told is what a message says.
type Told struct {
	Devices  []Device // new or changed
	Whole    bool     // Devices are all that this dialect knows: others are gone
	Gone     []string // ids
	Statuses []Status
	Readings []Reading
	Send     []Message // answers, to be sent at once
	Ignored  []Ignored
}

// Device is a device as its dialect describes it.
type Device struct {
	ID         string // an address, which stays when the device is renamed
	Label      string // the name it has there
	Unnamed    bool   // it has none yet: Label is its address, and a name may still come
	Properties []home.Property
	Expire     map[string]time.Duration // by property: unknown when nothing came for so long
	OffDelay   map[string]time.Duration // by property: off so long after the last on, as who says only on asks for
}

// Reading is what a device says of one property.
type Reading struct {
	ID        string
	Property  string
	Momentary bool // an event: it happened, and is no state
	Value     home.Value
	Unknown   string    // why the value is unknown
	Time      time.Time // as the device says; zero: now
	Late      bool      // of an event: it may have happened long ago
	Repeats   bool      // a message of this kind repeats what has not changed
}

// SentNull is why a value is unknown of which a device says that it has none yet, as many do for
// what they never measured.
const SentNull = "the device sent null"

// Status is the device's own word, or its bridge's, on whether it can be reached. While it is
// [home.Offline] nothing else that comes of the device counts.
type Status struct {
	ID     string
	State  string // [home.Online] or [home.Offline]; empty: nobody says so any more, what it sends counts again
	Reason string
}

// Ignored is a piece of a message that is not taken, and why.
type Ignored struct {
	ID    string // the device, where it is known
	What  string // a topic, a key, a property
	Why   string
	Fault bool // somebody should know; else it is only of no use here
}

// Order is how a property is set.
type Order struct {
	Message
	Confirmed bool       // the device tells the property when it has obeyed
	Want      home.Value // what it tells then
	Before    []Message  // what has to be sent before it: that a lamp is on, say
	After     []Message  // and behind it
}
