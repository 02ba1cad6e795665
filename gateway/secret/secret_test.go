package secret

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	for raw, want := range map[string]string{
		"amqp://broker-1":                                   "amqp://broker-1",
		"amqp://a:geheim@b:5672/v":                          "amqp://a:***@b:5672/v",
		"amqps://casa:x@[fe80::1]:5671/?cacertfile=/etc/ca": "amqps://casa:***@[fe80::1]:5671/",
		"amqp://u:p@x@h":                                    "amqp://u:***@h",
		"amqp://u:12/34@h":                                  "amqp://***",
		"amqp://u:a?b@h":                                    "amqp://***",
		"amqp://u:a#b@h":                                    "amqp://***",
		"amqp://u:a%zz@h":                                   "amqp://***",
		"amqp://u:a b@h":                                    "amqp://***",
		"amqp://u:a@h:port":                                 "amqp://***",
		"amqp://u:pässe@h":                                  "amqp://***",
		"amqp://a@b:c@h":                                    "amqp://***:***@h",
		"u:geheim@h:5672":                                   "***",
		"//u:geheim@h":                                      "***",
		"geheim://u@h":                                      "***://u@h",
		"geheim":                                            "***",
		"":                                                  "***",
	} {
		if got := Show(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestIn(t *testing.T) {
	for text, want := range map[string]string{
		"nothing to hide: a@b": "nothing to hide: a@b",
		"connect at amqp://casa@127.0.0.1:1/: node rabbit@debian is down": "connect at amqp://casa@127.0.0.1:1/: node rabbit@debian is down",
		`parse "amqp://u:Pa%ss@h": invalid URL escape`:                    `parse "amqp://***@h": invalid URL escape`,
		"left out=amqp://a:***@b, amqp://c@d:1 and more":                  "left out=amqp://a:***@b, amqp://c@d:1 and more",
		"dial amqp://u:pa ss@h: no":                                       "dial amqp://***@h: no",
		"dial amqp://u:secret: no host":                                   "dial amqp://*** no host",
		"amqp://u:p\nnext mqtt://h":                                       "amqp://***\nnext mqtt://h",
	} {
		if got := In(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for line, want := range map[string]string{
		`amqp: {urls: [amqp://casa@broker-1, "amqps://casa@broker-2:5671/home"], declare: false}`: `amqp: {urls: [amqp://casa@broker-1, "amqps://casa@broker-2:5671/home"], declare: false}`,
		`  urls: ["amqp://u:se cret@h"]`:   `  urls: ["amqp://***@h"]`,
		`  urls: ["amqp://u:12 34@h"]`:     `  urls: ["amqp://***@h"]`,
		`  urls: ["amqp://us er:secret@h`:  `  urls: ["amqp://***@h`,
		`  urls: ["amqp://u:se`:            `  urls: ["amqp://***`,
		`  - u:secret@h:5672`:              `  - ***@h:5672`,
		`mqtt: [{url: u:sec ret@h, x: 1}]`: `mqtt: [{url: ***@h, x: 1}]`,
		`amqp: u:secret@h`:                 `amqp: ***@h`,
		`amqp: {password: secret, x: 1}`:   `amqp: {password: ***, x: 1}`,
		`password_file: /etc/x`:            `password_file: /etc/x`,
		`  to: ana@example.org`:            `  to: ana@example.org`,
		`tokens_file: tokens`:              `tokens_file: tokens`,
		`  hall.lamp: {driver: relay}`:     `  hall.lamp: {driver: relay}`,
		`amqp is 'u:secret@h', expected`:   `amqp is '***@h', expected`,
		`amqp: {urls: ["amqp://u:a@b@c"]}`: `amqp: {urls: ["amqp://***@c"]}`,
	} {
		if got := Line(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// Whatever characters a password has: nothing of it is shown, neither by Show, nor by the
// error of Parse, nor of a text around it.
func TestNoPieceOfAPasswordIsShown(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	signs := []string{"%", "/", "?", "#", "@", ":", " ", "ü", "%zz", "%2", "[", "]", "\\", "\"", "'", "://", "&", "=", "…", "\u202e"}
	for range 20_000 {
		var b strings.Builder
		pieces := []string{"kwartz", "vexing", "jumble"}
		for _, p := range pieces[:1+random.IntN(3)] {
			b.WriteString(p)
			for range random.IntN(3) {
				b.WriteString(signs[random.IntN(len(signs))])
			}
		}
		before, after := []string{"amqp://", "mqtts://", "", "//", "AMQP:"}[random.IntN(5)], []string{"@h", "@h:5672/v", "@h:x", "", "@", "@@h"}[random.IntN(6)]
		raw := before + "u:" + b.String() + after
		_, err := Parse(raw)
		seen := []string{Show(raw), fmt.Sprint(err)}
		if strings.HasPrefix(before, "a") {
			seen = append(seen, Line("  urls: [\""+raw+"\"]"))
		}
		for _, text := range seen {
			for _, p := range pieces {
				if strings.Contains(text, p) && !strings.HasSuffix(after, "@") && after != "" {
					t.Fatalf("%q shows %s: %q", raw, p, text)
				}
			}
		}
	}
}
