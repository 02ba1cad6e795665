package home

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// TimeFormat is how times are written: UTC, RFC 3339, with milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// wire is the JSON form of an event. Each kind has one member that no other has:
// value, event, status, outcome, rule, gateway, properties or removed, set
// without outcome, exchange, variable.
type wire struct {
	Device     string          `json:"device,omitempty"`
	Property   string          `json:"property,omitempty"`
	Value      *Value          `json:"value,omitempty"`
	Event      *Value          `json:"event,omitempty"`
	Unit       string          `json:"unit,omitempty"`
	Unknown    string          `json:"unknown,omitempty"`
	Status     string          `json:"status,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	Gateway    string          `json:"gateway,omitempty"`
	Variable   string          `json:"variable,omitempty"`
	State      string          `json:"state,omitempty"`
	Why        string          `json:"reason,omitempty"`
	Label      string          `json:"label,omitempty"`
	Driver     string          `json:"driver,omitempty"`
	Via        string          `json:"via,omitempty"`
	Properties []Property      `json:"properties,omitempty"`
	Removed    bool            `json:"removed,omitempty"`
	Exchange   string          `json:"exchange,omitempty"`
	Key        string          `json:"key,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	ID         string          `json:"id,omitempty"`
	Set        Settings        `json:"set,omitempty"`
	Outcome    Result          `json:"outcome,omitempty"`
	Error      string          `json:"error,omitempty"`
	Hint       string          `json:"hint,omitempty"`
	Reading    Settings        `json:"reading,omitempty"`
	TookMS     *int64          `json:"took_ms,omitempty"`
	Source     string          `json:"source,omitempty"`
	OwnID      bool            `json:"own_id,omitempty"`
	Anew       bool            `json:"anew,omitempty"`
	Parts      []Outcome       `json:"parts,omitempty"`
	Expires    time.Time       `json:"expires,omitzero"`
	Received   time.Time       `json:"received,omitzero"`
	Detail     json.RawMessage `json:"detail,omitempty"`
	Time       string          `json:"time"`
	DSeq       uint64          `json:"dseq,omitempty"`
	Raw        bool            `json:"raw,omitempty"`
}

// AppendJSON appends the one JSON form of e: the record's body in the journal,
// the message on AMQP, the line of watch --json. What the envelope tells (Seq,
// At, Flags) is not in it, but for the mark of a raw measurement. A reading takes a path without allocations; its form
// is the same as the other path's.
func (e *Event) AppendJSON(dst []byte) ([]byte, error) {
	if e.Kind == KindReading || e.Kind == KindEvent {
		return e.appendReading(dst), nil
	}
	w := wire{
		Device: e.Device, Why: e.Reason, Detail: e.Detail, DSeq: e.DSeq,
		Time: e.when().UTC().Format(TimeFormat),
	}
	if err := e.fill(&w); err != nil {
		return dst, err
	}
	b, err := json.Marshal(&w)
	return append(dst, b...), err
}

// MarshalJSON is [Event.AppendJSON] for encoding/json.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil) }

func (e *Event) when() time.Time {
	if e.Time.IsZero() {
		return e.At
	}
	return e.Time
}

func (e *Event) appendReading(dst []byte) []byte {
	dst = append(dst, `{"device":`...)
	dst = appendString(dst, e.Device)
	dst = append(dst, `,"property":`...)
	dst = appendString(dst, e.Property)
	if e.Kind == KindEvent {
		dst = append(dst, `,"event":`...)
	} else {
		dst = append(dst, `,"value":`...)
	}
	dst = e.Value.AppendJSON(dst)
	if e.Unit != "" {
		dst = append(dst, `,"unit":`...)
		dst = appendString(dst, e.Unit)
	}
	if e.Unknown != "" {
		dst = append(dst, `,"unknown":`...)
		dst = appendString(dst, e.Unknown)
	}
	dst = append(dst, `,"time":"`...)
	dst = e.when().UTC().AppendFormat(dst, TimeFormat)
	dst = append(dst, '"')
	if e.DSeq != 0 {
		dst = append(dst, `,"dseq":`...)
		dst = strconv.AppendUint(dst, e.DSeq, 10)
	}
	if e.Flags&FlagRaw != 0 {
		dst = append(dst, `,"raw":true`...)
	}
	return append(dst, '}')
}

// fill sets what is particular to e's kind.
func (e *Event) fill(w *wire) error {
	switch e.Kind {
	case KindStatus:
		w.Status = e.State
	case KindRule:
		w.Rule, w.State = e.Name, e.State
	case KindGateway:
		w.Gateway = e.Name
	case KindVariable:
		w.Variable, w.Value = e.Name, &e.Value
	case KindCatalog:
		c := e.Catalog
		w.ID, w.Via = c.ID, c.Via
		w.Label, w.Driver, w.Properties, w.Removed = c.Label, c.Driver, c.Properties, c.Removed
	case KindMessage, KindPublish:
		m := e.Message
		w.Exchange, w.Key, w.ID, w.Body = m.Exchange, m.Key, m.ID, m.Body
		w.Rule = e.Name
	case KindCommand:
		c := e.Command
		w.ID, w.Device, w.Set, w.Source, w.Why = c.ID, c.Device, c.Set, c.Source, c.Reason
		w.Expires, w.Received, w.OwnID, w.Anew = c.Expires, c.Received, c.OwnID, c.Anew
	case KindOutcome:
		o := e.Outcome
		w.ID, w.Device, w.Set, w.Outcome, w.Error, w.Hint = o.ID, o.Device, o.Set, o.Result, o.Error, o.Hint
		w.Reading, w.TookMS, w.Source, w.Why = o.Reading, &o.TookMS, o.Source, o.Reason
		w.OwnID, w.Parts = o.OwnID, o.Parts
	default:
		return fmt.Errorf("event of kind %d has no JSON form", e.Kind)
	}
	return nil
}

// ParseEvent reads the JSON form of an event of the given kind. Members it does
// not know are ignored, so that older programs read newer journals.
func ParseEvent(kind Kind, body []byte) (Event, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return Event{}, fmt.Errorf("%s record: %w", kind, err)
	}
	e := Event{Kind: kind, Device: w.Device, Reason: w.Why, Detail: w.Detail, DSeq: w.DSeq}
	if w.Raw {
		e.Flags = FlagRaw
	}
	if w.Time != "" {
		t, err := time.Parse(time.RFC3339Nano, w.Time)
		if err != nil {
			return Event{}, fmt.Errorf("%s record: %w", kind, err)
		}
		e.Time = t
	}
	return e, e.take(&w)
}

// take is the reverse of fill.
func (e *Event) take(w *wire) error {
	switch e.Kind {
	case KindReading, KindEvent:
		e.Property, e.Unit, e.Unknown = w.Property, w.Unit, w.Unknown
		if v := w.Value; v != nil && e.Kind == KindReading {
			e.Value = *v
		} else if v := w.Event; v != nil && e.Kind == KindEvent {
			e.Value = *v
		}
	case KindStatus:
		e.State = w.Status
	case KindRule:
		e.Name, e.State = w.Rule, w.State
	case KindGateway:
		e.Name = w.Gateway
	case KindVariable:
		e.Name = w.Variable
		if w.Value != nil {
			e.Value = *w.Value
		}
	case KindCatalog:
		e.Catalog = &Catalog{ID: w.ID, Via: w.Via, Label: w.Label, Driver: w.Driver, Properties: w.Properties, Removed: w.Removed}
	case KindMessage, KindPublish:
		e.Name = w.Rule
		e.Message = &Message{Exchange: w.Exchange, Key: w.Key, ID: w.ID, Body: w.Body}
	case KindCommand:
		e.Reason = ""
		e.Command = &Command{ID: w.ID, Device: w.Device, Set: w.Set, Expires: w.Expires, Source: w.Source,
			Reason: w.Why, Received: w.Received, OwnID: w.OwnID, Anew: w.Anew}
	case KindOutcome:
		e.Reason = ""
		e.Outcome = &Outcome{ID: w.ID, Device: w.Device, Set: w.Set, Result: w.Outcome, Error: w.Error, Hint: w.Hint,
			Reading: w.Reading, Source: w.Source, Reason: w.Why, OwnID: w.OwnID, Parts: w.Parts}
		if w.TookMS != nil {
			e.Outcome.TookMS = *w.TookMS
		}
	default:
		return fmt.Errorf("a record of kind %d, which this version does not know", e.Kind)
	}
	return nil
}
