package home

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var values = cmp.AllowUnexported(Value{})

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, address, want string }{
		{"Kitchen Lamp/1", "", "kitchen_lamp.n1"},
		{"Baño", "", "bano"},
		{"garden/soil", "", "garden.soil"},
		{"a/b/c/d/e", "", "a.b.c_d_e"},
		{"Größe  (neu)", "", "grosse_neu"},
		{"0x00158d0001a2b3c4", "", "n0x00158d0001a2b3c4"},
		{"寝室", "0x00158d0001a2b3c4", "device_a2b3c4"},
		{"", "", "device"},
		{"on/lamp", "", "non.lamp"},
		{"e\u0301tage", "", "etage"},
		{strings.Repeat("x", 40), "", strings.Repeat("x", 32)},
		{"//a//", "", "a"},
	} {
		if got := Fold(c.name, c.address); got != c.want {
			t.Errorf("Fold(%q, %q) = %q, want %q", c.name, c.address, got, c.want)
		}
	}
}

func TestFoldAlwaysGivesADevice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, address := rapid.String().Draw(t, "name"), rapid.String().Draw(t, "address")
		folded := Fold(name, address)
		if err := CheckDevice(folded); err != nil {
			t.Fatalf("Fold(%q, %q) = %q: %v", name, address, folded, err)
		}
		if again := Fold(strings.ReplaceAll(folded, ".", "/"), ""); again != folded {
			t.Fatalf("Fold is not stable: %q becomes %q", folded, again)
		}
	})
}

func TestCheckDevice(t *testing.T) {
	for name, fault := range map[string]string{
		"kitchen.climate": "", "boiler": "", "a.b.c": "",
		"a.b.c.d": "has 4 words", "sun.up": `begins with "sun"`, "Kitchen": "lower-case", "a..b": "an empty word",
		"a.1": "lower-case", "a-b": "character '-'", strings.Repeat("x", 33): "33 characters",
	} {
		err := CheckDevice(name)
		if fault == "" && err != nil || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("CheckDevice(%q) = %v, want %q", name, err, fault)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"#", "a.b.c", true}, {"a.*", "a.b", true}, {"a.*", "a.b.c", false}, {"a.#", "a", true}, {"a.#", "a.b.c", true},
		{"#.c", "a.b.c", true}, {"#.c", "c", true}, {"#.c.#", "a.c.b", true}, {"*.b", "a.b", true}, {"a", "a.b", false}, {"a.b", "a", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestNearest(t *testing.T) {
	options := []string{"temperature", "humidity", "pressure"}
	for word, want := range map[string]string{
		"temprature": "temperature", "tempertaure": "temperature", "Humidity": "humidity", "lux": "", "pressure": "",
	} {
		if got := Nearest(word, options); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"200ms": 200 * time.Millisecond, "10s": 10 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w": 168 * time.Hour,
		"1w1d1h1m1s1ms": 168*time.Hour + 25*time.Hour + time.Minute + time.Second + time.Millisecond,
	} {
		got, err := ParseDuration(s)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", s, got, err, want)
		}
		if FormatDuration(want) != s {
			t.Errorf("FormatDuration(%v) = %q, want %q", want, FormatDuration(want), s)
		}
	}
	for _, s := range []string{"", "10", "s", "1m1h", "1h1h", "-1s", "1.5s", "10 s", "9999999999s", "999999999w", "1x"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", s, got)
		}
	}
}

// TestEventsAreReadBack writes each kind of event and reads it again.
func TestEventsAreReadBack(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 15, 4, 123e6, time.UTC)
	low, high := -40.0, 85.0
	for _, c := range []struct {
		ev   Event
		want string
	}{
		{Event{Kind: KindReading, Device: "kitchen.climate", Property: "temperature", Value: NumberOf(21.37), Unit: "°C", Time: at, DSeq: 4711},
			`{"device":"kitchen.climate","property":"temperature","value":21.37,"unit":"°C","time":"2026-11-22T20:15:04.123Z","dseq":4711}`},
		{Event{Kind: KindReading, Device: "a", Property: "b", Unknown: "offline: gone", Time: at},
			`{"device":"a","property":"b","value":null,"unknown":"offline: gone","time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindEvent, Device: "hall.button", Property: "action", Value: TextOf("single"), Time: at, DSeq: 1},
			`{"device":"hall.button","property":"action","event":"single","time":"2026-11-22T20:15:04.123Z","dseq":1}`},
		{Event{Kind: KindStatus, Device: "a", State: Offline, Reason: "no chip answers", Time: at},
			`{"device":"a","status":"offline","reason":"no chip answers","time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindOutcome, Device: "hall.lamp", Time: at, Outcome: &Outcome{ID: "1", Device: "hall.lamp", Result: Applied,
			Set: Settings{{"state", BooleanOf(true)}, {"brightness", NumberOf(40)}}, Reading: Settings{{"state", BooleanOf(true)}}, TookMS: 3}},
			`{"device":"hall.lamp","id":"1","set":{"state":true,"brightness":40},"outcome":"applied","reading":{"state":true},"took_ms":3,"time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindRule, Name: "hall", State: "started", Reason: "x", Time: at, Detail: json.RawMessage(`{"run":1}`)},
			`{"rule":"hall","state":"started","reason":"x","detail":{"run":1},"time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindGateway, Name: "started", Time: at}, `{"gateway":"started","time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindCatalog, Device: "a", Time: at, Catalog: &Catalog{Label: "A", Properties: []Property{
			{Name: "t", Type: TypeNumber, Unit: "°C", Min: &low, Max: &high}}}},
			`{"device":"a","label":"A","properties":[{"property":"t","type":"number","unit":"°C","min":-40,"max":85}],"time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindCommand, Device: "a", Time: at, Command: &Command{ID: "1", Device: "a", Set: Settings{{"x", Toggle}}, Source: "amqp", Received: at, Anew: true}},
			`{"device":"a","id":"1","set":{"x":"toggle"},"source":"amqp","anew":true,"received":"2026-11-22T20:15:04.123Z","time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindVariable, Name: "guests", Value: BooleanOf(false), Time: at},
			`{"value":false,"variable":"guests","time":"2026-11-22T20:15:04.123Z"}`},
		{Event{Kind: KindPublish, Name: "frost", Time: at, Message: &Message{Exchange: "alerts", Key: "casa.frost", Body: json.RawMessage(`{"celsius":3}`)}},
			`{"rule":"frost","exchange":"alerts","key":"casa.frost","body":{"celsius":3},"time":"2026-11-22T20:15:04.123Z"}`},
	} {
		b, err := c.ev.AppendJSON(nil)
		if err != nil {
			t.Fatalf("%s: %v", c.ev.Kind, err)
		}
		if string(b) != c.want {
			t.Errorf("%s is written as\n%s\nwant\n%s", c.ev.Kind, b, c.want)
		}
		back, err := ParseEvent(c.ev.Kind, b)
		if err != nil {
			t.Fatalf("%s: %v", c.ev.Kind, err)
		}
		if diff := cmp.Diff(c.ev, back, values); diff != "" {
			t.Errorf("%s is read back differently (-written +read):\n%s", c.ev.Kind, diff)
		}
	}
}

// TestReadingsHaveOneForm holds the fast path against encoding/json.
func TestReadingsHaveOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(
			rapid.Map(rapid.Float64(), NumberOf), rapid.Map(rapid.Bool(), BooleanOf), rapid.Map(rapid.String(), TextOf), rapid.Just(Value{}),
		).Draw(t, "value")
		ev := Event{Kind: KindReading, Device: "a.b", Property: "c", Value: v, Unit: rapid.String().Draw(t, "unit"),
			Time: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC(), DSeq: rapid.Uint64Range(1, 1e15).Draw(t, "dseq")}
		got, err := ev.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := json.Marshal(wire{Device: ev.Device, Property: ev.Property, Value: &v, Unit: ev.Unit,
			Time: ev.Time.Format(TimeFormat), DSeq: ev.DSeq})
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if err := json.Unmarshal(slow, &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Fatalf("-encoding/json +fast path:\n%s", diff)
		}
	})
}

func TestSettingsKeepTheirOrder(t *testing.T) {
	var s Settings
	if err := json.Unmarshal([]byte(`{"b":1,"a":"x","c":{"y":[1, 2]}}`), &s); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(s)
	if want := `{"b":1,"a":"x","c":{"y":[1,2]}}`; err != nil || string(out) != want {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
	for _, bad := range []string{`{"a":1,"a":2}`, `[1]`, `"x"`, `{"a":1`, `{"a":1e999}`} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestPropertyAccepts(t *testing.T) {
	low, high := 0.0, 100.0
	boolean := Property{Name: "state", Type: TypeBoolean}
	number := Property{Name: "brightness", Type: TypeNumber, Min: &low, Max: &high, Unit: "%"}
	choice := Property{Name: "mode", Type: TypeChoice, Options: []string{"heat", "off"}}
	for _, c := range []struct {
		p     Property
		v     Value
		want  Value
		fault string
	}{
		{boolean, TextOf("on"), BooleanOf(true), ""}, {boolean, NumberOf(0), BooleanOf(false), ""},
		{boolean, TextOf("toggle"), Toggle, ""}, {boolean, TextOf("maybe"), Value{}, "not on, off or toggle"},
		{number, TextOf("40"), NumberOf(40), ""}, {number, NumberOf(101), Value{}, "not between 0 and 100 %"},
		{number, TextOf("x"), Value{}, "not a number"}, {number, BooleanOf(true), Value{}, "not a number"},
		{choice, TextOf("heat"), TextOf("heat"), ""}, {choice, TextOf("haet"), Value{}, "one of heat, off"},
		{choice, BooleanOf(false), TextOf("off"), ""},
		{Property{Name: "t", Type: TypeText}, NumberOf(1), TextOf("1"), ""}, {Property{Name: "t", Type: TypeText}, Value{}, Value{}, "no text"},
		{Property{Name: "o", Type: TypeObject}, TextOf("x"), Value{}, "no object"},
	} {
		got, err := c.p.Accept(c.v)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s.Accept(%s) = %s, %v, want %s, %q", c.p.Name, c.v, got, err, c.want, c.fault)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(uint8(KindReading), []byte(`{"device":"a","property":"b","value":1,"time":"2026-11-22T20:15:04.123Z"}`))
	f.Add(uint8(KindOutcome), []byte(`{"id":"1","set":{"a":1},"took_ms":1,"time":"2026-11-22T20:15:04.123Z"}`))
	f.Add(uint8(KindCatalog), []byte(`{"properties":null}`))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		ev, err := ParseEvent(Kind(kind), body)
		if err != nil {
			return
		}
		first, err := ev.AppendJSON(nil)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		again, err := ParseEvent(Kind(kind), first)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := again.AppendJSON(nil); err != nil || string(first) != string(second) {
			t.Fatalf("the form is not stable: %s, then %s, %v", first, second, err)
		}
	})
}

func BenchmarkAppendReading(b *testing.B) {
	ev := Event{Kind: KindReading, Device: "kitchen.climate", Property: "temperature", Value: NumberOf(21.37), Unit: "°C", Time: time.Now(), DSeq: 4711}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = ev.AppendJSON(buf[:0])
	}
}

// FuzzText holds the JSON of a text against that of encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "°C", "µg/m³", "a\"b", `a\b`, "\x00", "\x7f", "\u2028", "\xff", "日本", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(TextOf(s).AppendJSON(nil)) + "\n"; got != want.String() {
			t.Errorf("%q is %s, want %s", s, got, want.String())
		}
	})
}
