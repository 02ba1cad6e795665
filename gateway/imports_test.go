package gateway_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is the table of docs/architecture.md: what of ours each package may
// import beside gateway/home. A pattern's * stands for one folder.
var rooms = []struct {
	room string
	may  []string
}{
	{"gateway/home", nil},
	{"gateway/clock", nil},
	{"gateway/journal", nil},
	{"gateway/secret", nil},
	{"systemd", nil},
	{"configs", nil},
	{"bridge/localbroker", nil},
	{"gateway/config", []string{"gateway/home", "gateway/secret"}},
	{"gateway/ledger", []string{"gateway/home"}},
	{"gateway/hub", []string{"gateway/home", "gateway/clock", "gateway/journal", "gateway/ledger", "gateway/filter"}},
	{"gateway/control", []string{"gateway/home", "gateway/clock"}},
	{"gateway/api", []string{"gateway/home", "gateway/ledger"}},
	{"gateway/web", []string{"gateway/home"}},
	{"rules/expr", []string{"gateway/home"}},
	{"rules", []string{"gateway/home", "rules/expr"}},
	{"rules/ruletest", []string{"gateway/home", "rules", "drivers/simboard/world"}},
	{"bridge/chaos", nil},
	{"bridge", []string{"gateway/home", "gateway/secret", "gateway/clock", "gateway/journal", "gateway/ledger"}},
	{"drivers", []string{"gateway/home"}},
	{"drivers/simboard/world", []string{"gateway/home"}},
	{"drivers/simboard", []string{"gateway/home", "drivers", "drivers/simboard/world"}},
	{"drivers/drivertest", []string{"gateway/home", "drivers", "drivers/simboard", "drivers/simboard/world"}},
	{"drivers/mqtt", []string{"gateway/home", "gateway/secret", "drivers", "drivers/mqtt/dialect", "drivers/mqtt/template"}},
	{"drivers/mqtt/dialect", []string{"gateway/home"}},
	{"drivers/mqtt/template", []string{"gateway/home"}},
	{"drivers/mqtt/zigbee2mqtt", []string{"gateway/home", "drivers/mqtt/dialect"}},
	{"drivers/mqtt/tasmota", []string{"gateway/home", "drivers/mqtt/dialect"}},
	{"drivers/mqtt/shelly", []string{"gateway/home", "drivers/mqtt/dialect"}},
	{"drivers/mqtt/homeassistant", []string{"gateway/home", "drivers/mqtt/dialect", "drivers/mqtt/template"}},
	{"drivers/board/vm", nil},
	{"drivers/scan", []string{"gateway/home", "drivers", "drivers/kernel", "drivers/dht22", "drivers/ds18b20"}},
	{"drivers/*", []string{"gateway/home", "drivers"}},
	{"gateway", []string{"gateway/home", "gateway/secret", "gateway/clock", "gateway/journal", "gateway/config", "gateway/hub", "gateway/ledger", "gateway/control", "gateway/api", "gateway/web",
		"gateway/filter", "rules", "bridge", "drivers", "drivers/*", "drivers/mqtt/*", "systemd"}},
	{"gateway/filter", []string{"gateway/home"}},
	{"cmd/demomqtt", nil},
	{"cmd/bench", []string{"gateway/home", "gateway/journal", "gateway/api", "bridge/localbroker"}},
	{"cmd/dist", nil},
	{"cmd/hogar", []string{"gateway/home", "gateway/secret", "gateway", "gateway/clock", "gateway/web", "gateway/journal", "gateway/config", "gateway/api", "gateway/ledger", "bridge", "bridge/localbroker", "configs", "drivers", "rules", "rules/ruletest",
		"drivers/board", "drivers/scan", "drivers/simboard", "drivers/simboard/world", "systemd"}},
	{"cmd/torture", []string{"gateway/home", "gateway/api", "bridge/localbroker", "bridge/chaos"}},
}

// never lists what a room may not import although a pattern of its line allows it.
var never = map[string][]string{
	"gateway": {"drivers/board", "drivers/simboard", "drivers/drivertest"},
}

// walls are the third-party modules that only one room may import.
var walls = []struct{ module, room string }{
	{"periph.io/x/host/", "drivers/board"},
	{"periph.io/x/conn/", "drivers"},
	{"github.com/eclipse/paho.mqtt.golang", "drivers/mqtt"},
	{"github.com/rabbitmq/amqp091-go", "bridge"},
	{"github.com/goccy/go-yaml", "gateway/config"},
	{"github.com/spf13/cobra", "cmd/hogar"},
	{"github.com/systemd/slog-journal", "cmd/hogar"},
	{"golang.org/x/crypto", "gateway/web"},
	{"github.com/VictoriaMetrics/metrics", "gateway"},
}

// oracle is a test as a program: it must not see brokers through the code that it
// judges, and so speaks to them itself.
const oracle = "cmd/torture"

// TestImports holds the import lines of every file against the table. It reads
// the files itself, so that Go's test cache sees each change.
func TestImports(t *testing.T) {
	root, seen := "..", make(map[string]bool)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(rel)
		seen[room] = true
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, name, room, imported, strings.HasSuffix(name, "_test.go"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 10 {
		t.Errorf("only %d packages were found: %v", len(seen), seen)
	}
}

func checkImport(t *testing.T, file, room, imported string, test bool) {
	t.Helper()
	for _, w := range walls {
		if strings.HasPrefix(imported+"/", w.module) && room != w.room && !strings.HasPrefix(room, w.room+"/") && !test && room != oracle {
			t.Errorf("%s imports %s, which only %s may", file, imported, w.room)
		}
	}
	ours, ok := strings.CutPrefix(imported, "hogar/")
	if !ok || test { // a test may use any room to stand for the real one
		return
	}
	may, ok := line(room)
	if !ok {
		t.Errorf("%s: package %s has no line in the table of rooms (docs/architecture.md and this test)", file, room)
		return
	}
	allowed := slices.ContainsFunc(may, func(pattern string) bool { ok, _ := path.Match(pattern, ours); return ok })
	if !allowed || slices.Contains(never[room], ours) {
		t.Errorf("%s: %s may not import %s; it may import %v", file, room, ours, may)
	}
}

func line(room string) ([]string, bool) {
	for _, r := range rooms {
		if ok, _ := path.Match(r.room, room); ok {
			return r.may, true
		}
	}
	return nil, false
}
