package home

import (
	"encoding/json"
	"time"
)

// Kind is what an event is about. The numbers are stored in the journal: they
// never change, and new kinds come at the end.
type Kind uint8

// The kinds of events. The first seven are published, the rest is kept only.
const (
	KindReading  Kind = 1  // a value and its time
	KindEvent    Kind = 2  // something momentary
	KindStatus   Kind = 3  // a device is online, offline or stale
	KindOutcome  Kind = 4  // the receipt of a command
	KindRule     Kind = 5  // a rule's run
	KindGateway  Kind = 6  // the gateway about itself
	KindCatalog  Kind = 7  // what a device is
	KindCommand  Kind = 8  // the intent: a command that was taken
	KindMessage  Kind = 9  // a message from another application
	KindVariable Kind = 10 // a variable of the rules was set
	KindPublish  Kind = 11 // a rule's message out
)

var kindNames = [...]string{
	KindReading: "reading", KindEvent: "event", KindStatus: "status", KindOutcome: "outcome", KindRule: "rule",
	KindGateway: "gateway", KindCatalog: "catalog", KindCommand: "command", KindMessage: "message",
	KindVariable: "variable", KindPublish: "publish",
}

// String returns the kind's word in routing keys: "reading".
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return "unknown"
}

// KindOf is the reverse of [Kind.String]; 0 for a word that is no kind.
func KindOf(word string) Kind {
	for k, name := range kindNames {
		if k > 0 && name == word {
			return Kind(k)
		}
	}
	return 0
}

// Flags are marks on an event that travel in the journal's envelope.
type Flags uint8

// The flags of an event.
const (
	FlagPublished Flags = 1 << iota // goes out over AMQP
	FlagLate                        // retained, redelivered, from a backlog, or old: starts no rule
	FlagUntrusted                   // the clock was not yet trusted
	FlagSimulated                   // from a simulated house

	// FlagRaw marks a measurement that is not told: as it came, before the filters, or
	// a repetition of what is known. Only who follows raw measurements sees it.
	FlagRaw
)

// Availability of a device, in [Event.State] of a status.
const (
	Online  = "online"
	Offline = "offline"
	Stale   = "stale"
)

// Event is something that happened in the house. Which fields are set depends
// on Kind; JSON has the same, see [Event.AppendJSON].
type Event struct {
	Seq uint64    // number in the journal; 0: the journal did not take it
	At  time.Time // wall time of the house at which it was accepted; it jumps when the clock is set

	// Elapsed is At on the house's elapsed clock, which is never set: between two events it
	// grows by the time that has passed, whatever the wall time did. Durations are counted
	// by it. Zero: the same as At. It is not written; readers of the journal derive it, see
	// [Timeline]. On the way to the hub it may hold the elapsed time at which the event was
	// measured, which the hub makes Time of.
	Elapsed time.Time

	Kind  Kind
	Flags Flags
	Class Class // where it came from; 0: the gateway itself

	Device   string    // reading, event, status, outcome, catalog, command
	Property string    // reading, event
	Value    Value     // reading, event (what happened), variable
	Unit     string    // reading
	Unknown  string    // why the value is unknown
	Time     time.Time // when it was measured or happened; zero: At
	DSeq     uint64    // the device's own count, of every published record

	Name   string // the rule, the variable, what the gateway tells ("started")
	State  string // status: online, offline, stale; rule: started, done, failed, refused …
	Reason string // why: of a status, a rule's run, a gateway event

	Command *Command        // command
	Outcome *Outcome        // outcome
	Catalog *Catalog        // catalog
	Message *Message        // message, publish
	Detail  json.RawMessage // rule: its trace; gateway: facts; else nil
}

// Late reports whether e came too late to start anything.
func (e *Event) Late() bool { return e.Flags&FlagLate != 0 }

// FullName is the name of the property that e is about, or of the device.
func (e *Event) FullName() string {
	if e.Property == "" {
		return e.Device
	}
	return Join(e.Device, e.Property)
}

// Catalog describes one device.
type Catalog struct {
	ID         string     `json:"id,omitempty"`    // of a discovered device: its address, which outlives its name
	Via        string     `json:"via,omitempty"`   // of a discovered device: the broker and the base topic
	Label      string     `json:"label,omitempty"` // the name as the user or the device wrote it
	Driver     string     `json:"driver,omitempty"`
	Properties []Property `json:"properties"`
	Removed    bool       `json:"removed,omitempty"`
}

// Message is an AMQP message of another application, or a rule's message out.
type Message struct {
	Exchange string          `json:"exchange"`
	Key      string          `json:"key"`
	ID       string          `json:"id,omitempty"` // the sender's message_id
	Body     json.RawMessage `json:"body"`
}
