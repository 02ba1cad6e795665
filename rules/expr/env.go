package expr

import (
	"time"

	"hogar/gateway/home"
)

// Slot is what is known of one name.
type Slot struct {
	Value home.Value
	Why   string    // why it is unknown
	At    time.Time // last measured; zero: never
}

// Env is the moment in which programs are evaluated.
type Env struct {
	Slots  []Slot // by [Table.Slot]
	Online []bool // by [Table.Device]

	Now time.Time                  // in the house's time zone; zero: the clock is not trusted
	Age time.Time                  // what age() counts to: house time, trusted or not
	Sun func(at time.Time) float64 // elevation in degrees; nil: the location is not known

	Trigger         home.Value // the id of the trigger
	Value, Previous home.Value // of what changed or happened
	Message         any        // the body of the message, as encoding/json makes it
}

// field returns a member of the message.
func (e *Env) field(path []string) home.Value {
	at := e.Message
	for _, word := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return home.Value{}
		}
		at = m[word]
	}
	switch v := at.(type) {
	case bool:
		return home.BooleanOf(v)
	case float64:
		return home.NumberOf(v)
	case string:
		return home.TextOf(v)
	}
	return home.Value{}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func nowTime(e *Env) home.Value {
	if e.Now.IsZero() {
		return home.Value{}
	}
	return home.NumberOf(float64(e.Now.Hour()*60 + e.Now.Minute()))
}

func nowHour(e *Env) home.Value {
	if e.Now.IsZero() {
		return home.Value{}
	}
	return home.NumberOf(float64(e.Now.Hour()))
}

func nowMonth(e *Env) home.Value {
	if e.Now.IsZero() {
		return home.Value{}
	}
	return home.NumberOf(float64(e.Now.Month()))
}

func nowWeekday(e *Env) home.Value {
	if e.Now.IsZero() {
		return home.Value{}
	}
	return home.TextOf(weekdays[e.Now.Weekday()])
}

func sunElevation(e *Env) home.Value {
	if e.Now.IsZero() || e.Sun == nil {
		return home.Value{}
	}
	return home.NumberOf(e.Sun(e.Now))
}

// sunUp uses the elevation of the sun's centre at sunrise: its radius and the
// refraction at the horizon make 0.833°.
func sunUp(e *Env) home.Value {
	if e.Now.IsZero() || e.Sun == nil {
		return home.Value{}
	}
	return home.BooleanOf(e.Sun(e.Now) > -0.833)
}
