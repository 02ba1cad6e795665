// Package api is how a person or a program asks a running gateway and commands
// it on the spot, with or without a broker: HTTP over a unix socket, and the
// client that the command line uses.
//
//	GET  /api/house                       the gateway itself; /api/status is the same
//	GET  /api/devices?pattern=#           devices with their last readings
//	GET  /api/events?pattern=#            what happens from now on, as server-sent events;
//	                                      with &raw=true each measurement before the filters, too
//	GET  /api/events/past?pattern=#       what happened
//	GET  /api/history?name=NAME           the readings of a property, for a chart
//	POST /api/commands                    {"device":…,"set":{…}}: answers with the outcome
//	POST /api/measure?device=NAME         has it measured, and answers with its new readings
//	GET  /api/configuration               its files and their faults
//	POST /api/reload                      reads the configuration again
//	GET  /api/rules                       how the rules are
//	GET  /api/rules/NAME                  a rule, with the traces of its last runs
//	POST /api/rules/NAME/enable           or disable; kept over restarts
//	GET  /api/outbox                      what waits for RabbitMQ, what it refused, and the ledger: what became of everything
//	POST /api/outbox/resend?since=TIME    sends again what it had confirmed since then
//
// Errors are application/problem+json (RFC 9457): title says what was wrong,
// detail what to do.
package api

import (
	"encoding/json"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

// Status is the gateway about itself.
type Status struct {
	Gateway   string    `json:"gateway"`
	Version   string    `json:"version"`
	Simulated bool      `json:"simulated"`
	Started   time.Time `json:"started"` // machine time
	HouseTime time.Time `json:"house_time"`
	Speed     float64   `json:"speed"`              // of house time; 1: as in life
	Timezone  string    `json:"timezone,omitempty"` // of the house; absent: not told, the machine's
	Devices   int       `json:"devices"`
	Online    int       `json:"online"`            // devices
	Unheard   int       `json:"unheard,omitempty"` // devices that are not heard of yet: neither online nor wrong
	Rules     int       `json:"rules"`
	AMQP      AMQP      `json:"amqp"`
	MQTT      []Source  `json:"mqtt,omitempty"`
	Journal   Journal   `json:"journal"`
	Clock     Clock     `json:"clock"`
}

// Clock is what is to be said about the house's clock.
type Clock struct {
	Trusted bool      `json:"trusted"`
	Why     string    `json:"why,omitempty"`    // why it is not trusted
	SetAt   time.Time `json:"set_at,omitzero"`  // when it was set last since the start; absent: it was not
	SetBy   float64   `json:"set_by,omitempty"` // seconds; negative: back
}

// Source is a broker below mqtt:.
type Source struct {
	URL       string `json:"url"` // without user and password
	Connected bool   `json:"connected"`
	Error     string `json:"error,omitempty"`
	TooLarge  uint64 `json:"too_large"` // messages that were over the limit, and not read
}

// AMQP is the state of the bridge.
type AMQP struct {
	Connected bool   `json:"connected"`
	URL       string `json:"url"` // without the password
	Error     string `json:"error,omitempty"`
	Published uint64 `json:"published"` // since the start
	Confirmed uint64 `json:"confirmed"`
	Commands  uint64 `json:"commands"`
	TooLarge  uint64 `json:"too_large"` // messages of which body or headers were over the limit, and not read
}

// Journal is the state of the journal.
type Journal struct {
	ID      string    `json:"id"`
	Waiting uint64    `json:"waiting"`         // records not confirmed by the broker yet, those that are never published included
	Oldest  time.Time `json:"oldest,omitzero"` // house time of the first of them
	Bytes   int64     `json:"bytes"`
	Max     int64     `json:"max"` // bytes it may have
	Error   string    `json:"error,omitempty"`
}

// Configuration is the files of the house as they are on the disk now, and what is
// wrong with them.
type Configuration struct {
	Files    []File    `json:"files"`
	Problems []Problem `json:"problems"`
}

// File is one file of a configuration. Secrets in it are covered.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Problem is a fault of a configuration, or a warning.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column  int    `json:"column,omitempty"` // in characters, from 1
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// Outbox is what became of the records that go out.
type Outbox struct {
	Waiting   uint64        `json:"waiting"`           // not confirmed yet: what the ledger has for all
	Oldest    time.Time     `json:"oldest,omitzero"`   // house time of the first of them
	Age       float64       `json:"age,omitempty"`     // seconds of house time since then
	Journal   string        `json:"journal,omitempty"` // why the journal takes nothing
	Connected bool          `json:"connected"`
	Error     string        `json:"error,omitempty"` // why nothing moves
	Held      string        `json:"held,omitempty"`  // the key that all behind it wait for, and why
	In        float64       `json:"in"`              // accepted a second, over the last half a minute
	Out       float64       `json:"out"`             // confirmed or dropped a second, the same
	EmptyIn   float64       `json:"empty_in"`        // seconds until nothing waits, if it goes on so; negative: never
	Ledger    ledger.Counts `json:"ledger"`          // what became of everything
	SetAside  []SetAside    `json:"set_aside"`       // refused for their own sake
}

// SetAside is a message that RabbitMQ refused for its own sake.
type SetAside struct {
	Seq    uint64    `json:"seq"`
	Key    string    `json:"key"`
	Bytes  int       `json:"bytes"`
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"`
}

// Resent is what a resend did.
type Resent struct {
	Sent     int `json:"sent"`
	Unrouted int `json:"unrouted"`
	Refused  int `json:"refused"`
}

// Event is one event of the stream: its kind, its number in the journal and the
// one JSON form.
type Event struct {
	Kind home.Kind
	Seq  uint64
	Lost uint64 // events left out before this one, because the reader was too slow
	Data json.RawMessage
}

// problem is the body of an error.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Status int    `json:"status"`
}

// Error is what a request was refused with.
type Error struct {
	Title string // what was wrong
	Hint  string // what to do
	Code  int    // HTTP status
}

// Error shows both.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Title
	}
	return e.Title + " (" + e.Hint + ")"
}
