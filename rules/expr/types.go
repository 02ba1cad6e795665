package expr

import (
	"hogar/gateway/home"
)

type typeKind uint8

const (
	typeBad typeKind = iota // a fault was told already; fits everything
	typeAny                 // only known when it runs: a member of a message
	typeNumber
	typeDuration // in seconds
	typeTime     // minutes after midnight
	typeBoolean
	typeChoice
	typeText
	typeObject
)

var typeNames = [...]string{
	typeBad: "anything", typeAny: "anything", typeNumber: "a number", typeDuration: "a duration",
	typeTime: "a time of day", typeBoolean: "a condition", typeChoice: "a choice", typeText: "a text",
	typeObject: "an object",
}

// typ is what the checker knows of a value.
type typ struct {
	kind typeKind
	prop *home.Property // of a name: options and range; else nil
}

// String names the type in a message.
func (t typ) String() string {
	if t.kind == typeBoolean && t.prop != nil {
		return "a switch"
	}
	return typeNames[t.kind]
}

func (t typ) loose() bool { return t.kind == typeBad || t.kind == typeAny }

func (t typ) isText() bool { return t.kind == typeText || t.kind == typeChoice }

// typeOf is the type of a property's value. An event counts as a choice.
func typeOf(p *home.Property) typ {
	switch p.Type {
	case home.TypeNumber:
		return typ{typeNumber, p}
	case home.TypeBoolean:
		return typ{typeBoolean, p}
	case home.TypeChoice, home.TypeEvent:
		return typ{typeChoice, p}
	case home.TypeText:
		return typ{typeText, p}
	case home.TypeObject:
		return typ{typeObject, p}
	}
	return typ{kind: typeAny}
}
