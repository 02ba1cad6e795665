package home

// Class is where an event came from, as the ledger counts them. The numbers are
// stored in the journal: they never change, and new classes come at the end.
type Class uint8

// The classes. An event that says none is the gateway's own.
const (
	ClassNone    Class = 0 // not to be published, or not known: of a record that is damaged
	ClassGateway Class = 1 // the house itself: what is online, stale, started …
	ClassPoll    Class = 2 // devices that are read now and then
	ClassListen  Class = 3 // devices that tell by themselves: pins, serial sensors
	ClassMQTT    Class = 4 // devices behind an MQTT broker
	ClassControl Class = 5 // what became of commands, and what the actuators show then
	ClassRule    Class = 6 // rules: their runs, and the messages that they publish

	Classes = 7 // how many there are
)

var classNames = [Classes]string{"unknown", "gateway", "poll", "listen", "mqtt", "control", "rule"}

// String returns the word of the class: "poll".
func (c Class) String() string {
	if c < Classes {
		return classNames[c]
	}
	return classNames[ClassNone]
}

// ClassOf is the reverse of [Class.String]; ClassNone for a word that is no class.
func ClassOf(word string) Class {
	for c, name := range classNames {
		if name == word {
			return Class(c)
		}
	}
	return ClassNone
}
