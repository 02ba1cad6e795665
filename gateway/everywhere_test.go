package gateway

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/scan"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/config"
)

// unscanned are the drivers of what a scan cannot find, each with the reason.
func unscanned() map[string]string {
	return map[string]string{
		"ads1015": "it answers as an ads1115 does, and the scan says so there",
		"contact": "a pin does not say what is wired to it",
		"hcsr04":  "a pin does not say what is wired to it",
		"pms5003": "a serial port does not say who sends, and to ask costs seconds",
		"relay":   "a pin does not say what is wired to it",
	}
}

// places is where a driver has to be, beside its folder.
type places struct {
	chapters, keys string                    // docs/drivers.md, docs/keys.md
	contracts      map[string]string         // the tests with a contract, by folder
	examples       map[string][]drivers.Part // of the devices in configs/, by driver
}

// TestEveryDriverIsEverywhere: what a driver's folder makes is in the table of drivers, and each driver of the table
// has all that belongs to it.
func TestEveryDriverIsEverywhere(t *testing.T) {
	all := places{textOf(t, "../docs/drivers.md"), textOf(t, "../docs/keys.md"), contracts(t), examples(t)}
	made := constructors(t)
	for name, driver := range table() {
		maker := runtime.FuncForPC(reflect.ValueOf(driver).Pointer()).Name() // hogar/drivers/bme280.NewBMP
		made = slices.DeleteFunc(made, func(m string) bool { return m == maker })
		for _, forgotten := range all.forgotten(t, name, maker) {
			t.Errorf("%s: %s", name, forgotten)
		}
	}
	for _, maker := range made {
		t.Errorf("gateway/table.go has no line with %s", maker)
	}
	for name := range unscanned() {
		if table()[name] == nil {
			t.Errorf("there is a reason why no scan finds %s, and no such driver", name)
		}
	}
}

// TestForgottenPlacesAreSaid: a driver that is in the table alone lacks each place.
func TestForgottenPlacesAreSaid(t *testing.T) {
	var got []string
	for _, examples := range []map[string][]drivers.Part{nil, {"toaster": {{Chip: "toaster", Bus: "I2C1", Address: 0x10}}}} {
		got = append(got, places{examples: examples}.forgotten(t, "toaster", "hogar/drivers/toaster.New")...)
	}
	for _, place := range []string{"configs/sensors.yaml", "drivers/chips.go", "drivers/simboard/models.go", "the table of docs/drivers.md",
		"no chapter", "docs/keys.md", "drivertest.Run"} {
		if !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, place) }) {
			t.Errorf("nothing says that %s is forgotten: %q", place, got)
		}
	}
	got = places{examples: map[string][]drivers.Part{"toaster": {{Chip: "mcp4725", Bus: "I2C1", Address: 0x60}}}}.forgotten(t, "toaster", "hogar/drivers/toaster.New")
	if !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, "drivers/scan") }) {
		t.Errorf("nothing says that drivers/scan is forgotten: %q", got)
	}
}

// forgotten lists where a driver is not.
func (p places) forgotten(t *testing.T, name, maker string) (where []string) {
	miss := func(missing bool, format string, args ...any) {
		if missing {
			where = append(where, fmt.Sprintf(format, args...))
		}
	}
	folder, constructor, _ := strings.Cut(strings.TrimPrefix(maker, "hogar/"), ".")
	row := regexp.MustCompile(`(?m)^\|.*\[` + name + `\]\(#` + name + `\).*$`).FindString(p.chapters)
	_, chapter, found := strings.Cut(p.chapters, "\n## "+name+"\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	miss(row == "", "the table of docs/drivers.md has no line with [%[1]s](#%[1]s)", name)
	miss(!found, "docs/drivers.md has no chapter %s", name)
	miss(!strings.Contains(p.keys, "\n## driver "+name+"\n"), "docs/keys.md lacks it: make docs")
	miss(!regexp.MustCompile(`\b`+constructor+`\b`).MatchString(p.contracts[folder]), "no test of %s calls drivertest.Run with %s", folder, constructor)
	parts := p.examples[name]
	miss(parts == nil, "no file in configs/ has an example: give it a device in configs/sensors.yaml")
	if parts == nil {
		return where
	}
	if parts[0].Bus != "" {
		chip, ok := drivers.ChipNamed(parts[0].Chip)
		miss(!ok || chip.Driver != name, "drivers/chips.go has no line of the chip %s with this driver", parts[0].Chip)
		miss(!strings.Contains(row, chip.What), "the table of docs/drivers.md does not say what it is: %s", chip.What)
		address := fmt.Sprintf("%#02x", append(chip.Addresses, 0)[0])
		miss(!strings.Contains(chapter, address) && !strings.Contains(chapter, "](#"), "its chapter names neither its address %s nor a chapter that does", address)
	}
	return append(where, simulated(t, name, parts)...)
}

// simulated tries whether parts can be simulated, and whether a scan finds them.
func simulated(t *testing.T, name string, parts []drivers.Part) (where []string) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(world.New(world.Options{}), time.Now, map[string][]drivers.Part{"hall.one": parts})
		if err != nil {
			where = []string{"drivers/simboard/models.go, or what stands for it there, has none: " + err.Error()}
			return
		}
		report, err := scan.Look(t.Context(), board, nil)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(report.Findings, func(f scan.Finding) bool {
			return slices.Contains(strings.Split(f.Chip, " or "), name) || strings.HasPrefix(f.Entry, "{driver: "+name+",")
		})
		switch reason := unscanned()[name]; {
		case !found && reason == "":
			where = []string{fmt.Sprintf("drivers/scan does not find it (usual in chips.go), and unscanned says no reason: %+v", report.Findings)}
		case found && reason != "":
			where = []string{"drivers/scan finds it: take it out of unscanned"}
		}
	})
	return where
}

// examples are the parts of the devices in configs/, by driver.
func examples(t *testing.T) map[string][]drivers.Part {
	all := make(map[string][]drivers.Part)
	files, err := filepath.Glob("../configs/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.yaml") || strings.HasSuffix(file, "_catalog.yaml") {
			continue
		}
		cfg, _, faults := config.Load(file)
		for _, d := range Check(cfg, faults).devices {
			all[d.Driver] = d.spec.Parts
		}
	}
	return all
}

// contracts are the tests that have a contract, by folder.
func contracts(t *testing.T) map[string]string {
	all := make(map[string]string)
	eachFile(t, func(folder, file string) {
		if s := textOf(t, file); strings.HasSuffix(file, "_test.go") && strings.Contains(s, "drivertest.Run(") {
			all[folder] += s
		}
	})
	return all
}

// constructors are the functions below drivers that are a [drivers.Driver].
func constructors(t *testing.T) (all []string) {
	eachFile(t, func(folder, file string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			if result, ok := f.Type.Results.List[0].Type.(*ast.SelectorExpr); ok && result.Sel.Name == "Spec" && len(f.Type.Params.List) == 1 {
				all = append(all, "hogar/"+folder+"."+f.Name.Name)
			}
		}
	})
	if len(all) < 20 {
		t.Errorf("only %v make a driver", all)
	}
	return all
}

// eachFile visits the Go files of the folders below drivers: drivers/bme280 and ../drivers/bme280/bme280.go.
func eachFile(t *testing.T, visit func(folder, file string)) {
	files, err := filepath.Glob("../drivers/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		visit(filepath.ToSlash(strings.TrimPrefix(filepath.Dir(file), "../")), file)
	}
}

func textOf(t *testing.T, file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
